import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** An environment variable of every slot, of another value each: processes that left its session are known by it. */
export const SLOT_VARIABLE = 'METALAB_SLOT';

/** A process, as the system's table has it. */
export interface SystemProcess {
  readonly pid: number;
  readonly parent: number;
  /** The id of its session; where the system doesn't tell, that of its process group. */
  readonly session: number;
  readonly name: string;
}

/**
 * The processes that are alive, of all users. A slot leads a session of its own: what its runs start belongs to it, however
 * deep, and after its parent has ended, too. Only what detaches itself (`setsid`) does not.
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

/** Ends the processes of a session, but for some; those that they start meanwhile, too. @returns those */
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

/** @returns undefined if it is gone, or has ended and only waits for its parent; or where the system has no /proc */
export function readProcess(pid: number): SystemProcess | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name may hold spaces and parentheses: what follows its last one is fixed.
    const end = text.lastIndexOf(')');
    const [state, parent, , session] = text.slice(end + 2).split(' ', 4);
    if (state === 'Z' || state === 'X') return undefined;
    const name = text.slice(text.indexOf('(') + 1, end);
    return { pid, parent: Number(parent), session: Number(session), name };
  } catch {
    return undefined;
  }
}

function listByPs(): SystemProcess[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid=,stat=,comm='], { encoding: 'latin1' });
  return table.split('\n').flatMap((line) => {
    const [, pid, parent, group, state, name] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (name === undefined || state?.startsWith('Z')) return [];
    return [{ pid: Number(pid), parent: Number(parent), session: Number(group), name }];
  });
}
