import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, type ProcessState } from './state.js';

/**
 * Ends a process that metalab started: SIGTERM, and after its grace period SIGKILL, to its whole group. Never signals
 * another process that was given the same pid.
 *
 * @returns how it ended
 */
export async function endProcess(state: ProcessState, graceMs: number): Promise<'gone' | 'ended' | 'killed'> {
  if (!isAlive(state)) return 'gone';
  sendSignal(state.pid, 'SIGTERM');
  if (await endsWithin(() => isAlive(state), graceMs)) return 'ended';
  sendSignal(-state.pid, 'SIGKILL');
  sendSignal(state.pid, 'SIGKILL');
  await endsWithin(() => isAlive(state), 5_000);
  return 'killed';
}

/** @returns whether it ended within a time */
export async function endsWithin(isAlive: () => boolean, ms: number): Promise<boolean> {
  for (const end = performance.now() + ms; isAlive(); await sleep(25))
    if (performance.now() > end) return false;
  return true;
}

/** @param pid of a process that may have ended; negative for a group */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in the meantime, or leads no group.
  }
}
