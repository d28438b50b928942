import { readdirSync, readFileSync } from 'node:fs';
import { processTable } from '../../access/process-table.js';

/** An environment variable with a different value in every slot, by which processes that left its session are found. */
export const SLOT_VARIABLE = 'METALAB_SLOT';

/** A process in the system's process table. */
export interface SystemProcess {
  readonly pid: number;
  readonly parent: number;
  /** The id of its session or, if unknown, of its process group. */
  readonly session: number;
  readonly name: string;
}

/**
 * The living processes of all users. A slot leads its own session, to which all descendants of its runs belong, even
 * after their parents have ended. Only processes that detach themselves (`setsid`) leave it.
 *
 * @param wanted by pid; reading one takes 10 µs
 */
export function listProcesses(wanted: (pid: number) => boolean = () => true): SystemProcess[] {
  if (process.platform !== 'linux') return listByPs().filter(({ pid }) => wanted(pid));
  return readdirSync('/proc').flatMap((entry) => {
    const pid = Number(entry);
    return Number.isInteger(pid) && wanted(pid) ? (readProcess(pid) ?? []) : [];
  });
}

/** Ends the processes of a session, except some, and those that they start meanwhile. @returns those */
export function killSession(
  session: number,
  spared: (found: SystemProcess) => boolean = () => false,
): SystemProcess[] {
  const killed = new Map<number, SystemProcess>();
  for (let any = true; any; ) {
    any = false;
    for (const found of listProcesses()) {
      if (found.session !== session || killed.has(found.pid) || spared(found)) continue;
      killed.set(found.pid, found);
      any = true;
      kill(found.pid);
    }
  }
  return [...killed.values()];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

/** @returns undefined if it is gone or a zombie, or if the system has no /proc */
export function readProcess(pid: number): SystemProcess | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name may contain spaces and parentheses; the format is fixed only after the last parenthesis.
    const end = text.lastIndexOf(')');
    const [state, parent, , session] = text.slice(end + 2).split(' ', 4);
    if (state === 'Z' || state === 'X') return undefined;
    const name = text.slice(text.indexOf('(') + 1, end);
    return { pid, parent: Number(parent), session: Number(session), name };
  } catch {
    return undefined;
  }
}

const listByPs = (): SystemProcess[] =>
  processTable()
    .filter(({ state }) => !state.startsWith('Z'))
    .map(({ pid, parent, group, name }) => ({ pid, parent, session: group, name }));
