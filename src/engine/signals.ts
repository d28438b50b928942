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
  send(state.pid, 'SIGTERM');
  if (await endsWithin(state, graceMs)) return 'ended';
  send(-state.pid, 'SIGKILL');
  send(state.pid, 'SIGKILL');
  await endsWithin(state, 5_000);
  return 'killed';
}

async function endsWithin(state: ProcessState, ms: number): Promise<boolean> {
  for (const end = performance.now() + ms; isAlive(state); await sleep(25))
    if (performance.now() > end) return false;
  return true;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in the meantime, or leads no group.
  }
}
