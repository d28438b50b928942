import { endsWithin, sendSignal } from '../../engine/signals.js';
import type { LocalProcess } from '../service.js';
import { isAlive, processesOf } from './process-tree.js';
import type { ServiceRecord } from './records.js';

/** A killed process may take seconds to end, for example while it writes to a slow disk. */
const KILLED_WITHIN_MS = 30_000;
/** Child processes that end with the first one need a moment. */
const FOLLOWS_WITHIN_MS = 2_000;

/**
 * Ends a service's process as its plan says: a signal to the first process, and after a time SIGKILL to all of them.
 * Processes that another was given the pid of are never signalled.
 *
 * @returns the pids of those that could not be ended
 */
export async function stopProcess({
  id,
  process: first,
  stop,
}: Pick<ServiceRecord, 'id' | 'process' | 'stop'>): Promise<number[]> {
  const known = processesOf(id, first);
  if (first && isAlive(first)) {
    sendSignal(first.pid, stop.signal);
    // Processes that are stopped (SIGSTOP) get no signal until they continue.
    for (const { pid } of known) sendSignal(pid, 'SIGCONT');
    await endsWithin(() => isAlive(first), stop.timeout_ms);
    if (!isAlive(first)) await endsWithin(() => known.some(isAlive), FOLLOWS_WITHIN_MS);
  }
  return killAll(id, first, known);
}

/** Ends what is left of a start, at once. @returns the pids of those that could not be ended */
export async function killAll(
  id: string,
  first: LocalProcess | null,
  known: readonly LocalProcess[] = [],
): Promise<number[]> {
  // A process may start another one until it is killed.
  let left = leftOf(id, first, known);
  for (const end = performance.now() + KILLED_WITHIN_MS; left.length > 0 && performance.now() < end; ) {
    for (const { pid } of left) sendSignal(pid, 'SIGKILL');
    await endsWithin(() => left.some(isAlive), 1_000);
    left = leftOf(id, first, left);
  }
  return left.map(({ pid }) => pid);
}

function leftOf(id: string, first: LocalProcess | null, known: readonly LocalProcess[]): LocalProcess[] {
  const found = new Map(processesOf(id, first).map((one) => [one.pid, one]));
  for (const one of known) if (isAlive(one)) found.set(one.pid, one);
  return [...found.values()];
}
