import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

const MIB = 1024 * 1024;

/** In kB whatever the size of a page is, unlike `statm`: 16 or 64 KiB on some ARM machines. */
const RESIDENT = /^VmRSS:\s+(\d+) kB$/m;
const kibibytes = (text: string | undefined) => Number(text) * 1024 || undefined;

/** What a process has of the machine's memory, in bytes; undefined where it is gone. */
export function residentBytes(pid: number): number | undefined {
  try {
    if (process.platform === 'linux')
      return kibibytes(RESIDENT.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
    return kibibytes(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'latin1' }));
  } catch {
    return undefined;
  }
}

/** Where a run declares no limit: 90 % of the machine, or of what this process's cgroup may use of it. */
export function defaultMemoryBytes(): number {
  const constrained = process.constrainedMemory();
  const machine = totalmem();
  return Math.floor(0.9 * (constrained > 0 && constrained < machine ? constrained : machine));
}

/**
 * V8's own limit, in MiB, somewhat below the process's: so it collects its garbage before the process is taken for too
 * large, and a heap that really is too large ends with a message of V8's.
 */
export function heapMegabytes(limitBytes: number): number {
  const limit = Math.floor(limitBytes / MIB);
  return Math.max(32, limit - Math.max(64, Math.floor(limit / 10)));
}
