import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

const PAGE_BYTES = 4096;
const MIB = 1024 * 1024;

/** What a process has of the machine's memory, in bytes; undefined where it is gone. */
export function residentBytes(pid: number): number | undefined {
  try {
    if (process.platform === 'linux')
      return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES;
    return (
      Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'latin1' })) * 1024 ||
      undefined
    );
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

export const wordBytes = (bytes: number) =>
  bytes >= 1024 * MIB ? `${(bytes / (1024 * MIB)).toFixed(1)} GiB` : `${Math.round(bytes / MIB)} MiB`;
