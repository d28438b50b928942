import { availableParallelism } from 'node:os';
import { CompactionProcess } from '../compaction/compact-in-child.js';
import { DeriveProcess, type DeriveSetup, type DeriveTask } from './derive-process.js';
import { type DeriveFailure, FailureCounter } from './failures.js';
import type { Underived, UnderivedRun } from './find-underived.js';

/** Runs that a process gets at once: what it has not answered is computed again when it is ended. */
const MAX_RUNS = 1000;
/** Each process gets so many parts, so that all end at about the same time. */
const PARTS = 4;

export interface DeriveOptions {
  /** How many processes compute. */
  readonly slots?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number) => void;
}

/** What computing came to. */
export interface Derived {
  /** Runs for which everything was computed, or failed. */
  readonly done: number;
  /** Of these, runs for which a derivation failed. */
  readonly failed: number;
  readonly failures: readonly DeriveFailure[];
  /** The derivation of each metric that is known now. */
  readonly owners: ReadonlyMap<string, string>;
  /** How long the compaction took at the end, milliseconds. */
  readonly compacted_ms: number;
}

/** Computes what is missing, and compacts the runs. What was computed before it was ended is kept. */
export async function derive(
  underived: Underived,
  setup: DeriveSetup,
  cwd: string,
  { slots = availableParallelism(), signal, onProgress = () => {} }: DeriveOptions,
): Promise<Derived> {
  const failures = new FailureCounter();
  const size = Math.min(MAX_RUNS, Math.max(1, Math.ceil(underived.total / (PARTS * slots))));
  const tasks = tasksOf(underived.list(), size);
  const owners = new Map(setup.owners);
  let done = 0;
  let unsuccessful = 0;
  const work = async () => {
    const child = new DeriveProcess(cwd);
    try {
      await child.ask(setup);
      for (;;) {
        const task = signal?.aborted ? undefined : (await tasks.next()).value;
        if (!task) return;
        const answer = await child.ask(task);
        done += answer.done;
        for (const [metric, derivation] of answer.owners) owners.set(metric, derivation);
        unsuccessful += new Set(answer.failed.map(({ run_id }) => run_id)).size;
        for (const failure of answer.failed) failures.add(failure);
        onProgress(done);
      }
    } finally {
      await child.close();
    }
  };
  const processes = Math.min(slots, Math.ceil(underived.total / size));
  const results = await Promise.allSettled(Array.from({ length: processes }, work));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  const computed = performance.now();
  if (done > 0 && !signal?.aborted) await compact(setup.folder, signal);
  return {
    done,
    failed: unsuccessful,
    failures: failures.list(),
    owners,
    compacted_ms: performance.now() - computed,
  };
}

async function compact(folder: string, signal: AbortSignal | undefined): Promise<void> {
  const child = new CompactionProcess();
  try {
    await child.compact(folder, { urgent: true, signal });
  } finally {
    await child.close();
  }
}

/** Runs of one segment at a time: its process reads the segment, and those beside it, forwards. */
async function* tasksOf(
  runs: AsyncIterable<UnderivedRun>,
  size: number,
): AsyncGenerator<DeriveTask, undefined> {
  let segment = '';
  let task: UnderivedRun[] = [];
  for await (const run of runs) {
    if (task.length > 0 && (run.segment !== segment || task.length === size)) {
      yield { segment, runs: task };
      task = [];
    }
    segment = run.segment;
    task.push(run);
  }
  if (task.length > 0) yield { segment, runs: task };
  return undefined;
}
