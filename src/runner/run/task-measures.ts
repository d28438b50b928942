import { monotonicMs } from '../protocol/note.js';
import type { SlotTask } from '../protocol/protocol.js';

/** Asking the system takes 4 µs. */
const FRESH_MS = 10;

/** What a record says of its task: the elapsed time at the run's end, and this slot's peak memory. */
export function taskMeasures({ started_monotonic }: SlotTask): () => string {
  const offset = monotonicMs() - performance.now() - started_monotonic;
  let text = '';
  let until = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now < until) return text;
    until = now + FRESH_MS;
    // In kibibytes, as getrusage reports it on Linux.
    const bytes = process.resourceUsage().maxRSS * 1024;
    text = `,"task_elapsed_ms":${Math.round(offset + now)},"max_rss_bytes":${bytes}`;
    return text;
  };
}
