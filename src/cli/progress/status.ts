import type { SweepStatus } from '../../client/status/sweep-status.js';
import { formatDuration } from '../../definition/format-duration.js';

/** The heartbeat timeout of chunks. */
const MISSED_AFTER_S = 20;

const SILENT_AFTER_MS = 3_000;

/** Shown while neither server nor worker answers: one of them has died, or is being replaced. */
export function formatSilence(silentMs: number): string | undefined {
  if (silentMs < SILENT_AFTER_MS) return undefined;
  return `no answer for ${formatDuration(silentMs)}: a worker or the server died, or is busy; nothing recorded is lost`;
}

type ShownStatus = Pick<SweepStatus, 'state' | 'reason' | 'pause'>;

/**
 * Why a sweep is in its state, in words that begin with the state; undefined if there is nothing to say.
 *
 * @param now milliseconds, as of `Date.now()`
 */
export function formatStatus({ state, reason, pause }: ShownStatus, now = Date.now()): string | undefined {
  if (state === 'paused') return pause ? formatPause(pause, now) : withReason(state, reason);
  // `cancelled by ann@n1` already says it.
  const words = reason?.startsWith(state) ? reason : reason ? withReason(state, reason) : undefined;
  if (!pause) return words;
  return words ? `${words}; ${formatPause(pause, now)}` : formatPause(pause, now);
}

/** Reports runs of a dead worker, until the server notices its missing heartbeats. */
export function formatLost({
  lost_workers: lost,
  state,
}: Pick<SweepStatus, 'lost_workers' | 'state'>): string | undefined {
  if (lost.length === 0 || state !== 'running') return undefined;
  const who = lost.length === 1 ? `worker ${lost[0]}` : `workers ${lost.join(', ')}`;
  return `${who} died: what it had in progress starts again in ${MISSED_AFTER_S} s at most`;
}

function formatPause({ by, at, reason }: NonNullable<ShownStatus['pause']>, now: number): string {
  const who = by ? ` by ${by}` : '';
  const since = at ? `, ${formatDuration(Math.max(0, now - Date.parse(at)))} ago (${localTime(at)})` : '';
  return withReason(`paused${who}${since}`, reason);
}

const withReason = (words: string, reason: string | null) => (reason ? `${words}: ${reason}` : words);

/** `2026-11-26 14:03`, in this machine's time zone, as in `ls -l` and `git log`. */
function localTime(iso: string): string {
  const date = new Date(iso);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
