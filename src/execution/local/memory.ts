import { readdirSync, readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { processTable } from '../../access/process-table.js';
import { MIB } from '../../definition/memory-size.js';

/** In kB whatever the page size, unlike `statm`: some ARM machines have pages of 16 or 64 KiB. */
const RESIDENT = /^VmRSS:\s+(\d+) kB$/m;
/** Resident memory, of which pages that several processes share count in parts. */
const PROPORTIONAL = /^Pss:\s+(\d+) kB$/m;

/**
 * The memory of a process and of all its descendants, in bytes; undefined if the process is gone. A descendant whose
 * parent has ended is no longer counted.
 *
 * Of more than one process, pages that they share (a forked child has all of its parent's at first) would count several
 * times: if the simple sum is above `limitBytes`, the kernel's exact shares are summed. They cost milliseconds instead of
 * some 100 µs.
 */
export function treeMemory(pid: number, limitBytes: number): number | undefined {
  if (process.platform !== 'linux') return treeMemoryByPs(pid);
  const own = readKilobytes(pid, 'status', RESIDENT);
  if (own === undefined) return undefined;
  const pids = descendants(pid);
  const sum = pids.reduce((bytes, each) => bytes + (readKilobytes(each, 'status', RESIDENT) ?? 0), own);
  if (pids.length === 0 || sum <= limitBytes) return sum;
  return [pid, ...pids].reduce((bytes, each) => bytes + exactBytes(each), 0);
}

function exactBytes(pid: number): number {
  // A program that changed its user can't be looked into: its resident memory is known all the same.
  return readKilobytes(pid, 'smaps_rollup', PROPORTIONAL) ?? readKilobytes(pid, 'status', RESIDENT) ?? 0;
}

function readKilobytes(pid: number, file: string, pattern: RegExp): number | undefined {
  try {
    return Number(pattern.exec(readFileSync(`/proc/${pid}/${file}`, 'latin1'))?.[1]) * 1024 || undefined;
  } catch {
    return undefined;
  }
}

/** The kernel lists a process's children by the thread that started them. */
function descendants(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1')
        .split(' ')
        .filter(Boolean)
        .flatMap((child) => [Number(child), ...descendants(Number(child))]),
    );
  } catch {
    return [];
  }
}

function treeMemoryByPs(pid: number): number | undefined {
  const processes = processTable();
  if (!processes.some((each) => each.pid === pid)) return undefined;
  const bytesOf = (root: number): number =>
    processes.reduce((bytes, { pid: each, parent, resident }) => {
      if (each === root) return bytes + resident;
      return parent === root ? bytes + bytesOf(each) : bytes;
    }, 0);
  return bytesOf(pid);
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
