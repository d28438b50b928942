import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

const MIB = 1024 * 1024;

/** In kB whatever the page size, unlike `statm`: some ARM machines have pages of 16 or 64 KiB. */
const RESIDENT = /^VmRSS:\s+(\d+) kB$/m;
const kibibytes = (text: string | undefined) => Number(text) * 1024 || undefined;

/** A process's resident memory, in bytes; undefined if the process is gone. */
export function residentBytes(pid: number): number | undefined {
  try {
    if (process.platform === 'linux')
      return kibibytes(RESIDENT.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
    return kibibytes(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'latin1' }));
  } catch {
    return undefined;
  }
}

/** The limit for runs that declare none: 90 % of the machine's memory, or of what this process's cgroup may use. */
export function defaultMemoryBytes(): number {
  const constrained = process.constrainedMemory();
  const machine = totalmem();
  return Math.floor(0.9 * (constrained > 0 && constrained < machine ? constrained : machine));
}

/**
 * V8's own limit, in MiB. It is somewhat below the process's limit, so that V8 collects garbage before the process is
 * killed for its size, and a heap that really is too large ends with V8's own message.
 */
export function heapMegabytes(limitBytes: number): number {
  const limit = Math.floor(limitBytes / MIB);
  return Math.max(32, limit - Math.max(64, Math.floor(limit / 10)));
}
