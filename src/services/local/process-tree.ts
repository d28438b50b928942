import { readFileSync } from 'node:fs';
import { type ProcessRow, processTable } from '../../access/process-table.js';
import { processStart } from '../../engine/process-start.mjs';
import type { LocalProcess } from '../service.js';

/** Names one start of a service in the environment of its processes. */
export const MARKER = 'METALAB_SERVICE_ID';

/** Whether this process is running, and not another one that was given its pid. */
export const isAlive = ({ pid, start }: LocalProcess): boolean => processStart(pid) === start;

/**
 * The processes that belong to one start of a service and are alive: its first process, what descends from that, what is in
 * its group, and on Linux what has its marker, whoever its parent is by now.
 *
 * @param id of the start, see {@link MARKER}
 */
export function processesOf(id: string, first: LocalProcess | null): LocalProcess[] {
  const rows = tableOrNone().filter(({ pid }) => pid > 1 && pid !== process.pid);
  const found = new Set<number>();
  // Its pid may be another process's by now: then group and descendants are not its own.
  const isFirst = first !== null && isAlive(first);
  if (isFirst) found.add(first.pid);
  for (const { pid, group } of rows)
    if (first && group === first.pid && (isFirst || hasMarker(pid, id))) found.add(pid);
  for (const { pid } of rows) if (hasMarker(pid, id)) found.add(pid);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const { pid, parent } of rows) if (found.has(parent)) found.add(pid);
  }
  return [...found].flatMap((pid) => {
    const start = processStart(pid);
    return start === undefined ? [] : [{ pid, start }];
  });
}

/** Where there is no `ps`, the first process is ended alone. */
function tableOrNone(): ProcessRow[] {
  try {
    return processTable();
  } catch {
    return [];
  }
}

function hasMarker(pid: number, id: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${MARKER}=${id}`);
  } catch {
    // It has ended, or is another user's, or the system has no such file.
    return false;
  }
}
