import childProcess from 'node:child_process';
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import workerThreads from 'node:worker_threads';
import {
  killSession,
  listProcesses,
  readProcess,
  SLOT_VARIABLE,
  type SystemProcess,
} from '../protocol/session.js';

/** Process ids do not wrap around within this time. */
const SHORT_MS = 5_000;

/**
 * Ends the processes that a run leaves behind, which would take cpus and memory from later runs. It costs nothing for
 * runs that start none, because Node's functions that start processes are wrapped.
 */
export class ChildProcesses {
  readonly #mark = `${SLOT_VARIABLE}=${process.env[SLOT_VARIABLE]}`;
  /** Set if a process may have been started since the last check: the last process id before that, and the time. */
  #started: { readonly pid: number; readonly at: number } | undefined;
  /** Processes that the user's modules started at import: all runs share them. */
  #lasting: ReadonlySet<number> = new Set();
  readonly #told = new Set<number>();

  /** Must be called before the user's modules are imported, because they keep the functions that they import. */
  constructor() {
    const start = () => {
      this.#started ??= { pid: lastProcessId(), at: performance.now() };
    };
    // All asynchronous functions that start processes call this method.
    const { prototype } = childProcess.ChildProcess as unknown as {
      prototype: { spawn(options: unknown): unknown };
    };
    before(prototype, 'spawn', start);
    for (const name of ['spawnSync', 'execSync', 'execFileSync'] as const) before(childProcess, name, start);
    // Each thread has its own child_process module.
    const { Worker } = workerThreads;
    workerThreads.Worker = new Proxy(Worker, {
      construct(target, args, newTarget) {
        start();
        return Reflect.construct(target, args, newTarget) as object;
      },
    });
    syncBuiltinESMExports();
  }

  /** Called after the user's modules were imported: processes that exist now are shared by all runs. */
  remember(): void {
    if (!this.#started) return;
    this.#started = undefined;
    this.#lasting = new Set(this.#list().map(({ pid }) => pid));
  }

  /** Ends the processes that were started since the last call and still run. */
  end(): LeftProcesses | undefined {
    if (!this.#started) return undefined;
    const { pid: last, at } = this.#started;
    this.#started = undefined;
    const newest = lastProcessId();
    const inOrder = last > 0 && newest >= last && performance.now() - at < SHORT_MS;
    const found = this.#list(inOrder ? (pid) => pid > last && pid <= newest : undefined);
    const isOwn = ({ session }: SystemProcess) => session === process.pid;
    const ended = found.some(isOwn)
      ? killSession(process.pid, (each) => each.pid === process.pid || this.#isLasting(each))
      : [];
    const detached = found.filter((each) => !isOwn(each) && !this.#told.has(each.pid));
    for (const { pid } of detached) this.#told.add(pid);
    return { ended, detached };
  }

  /** The processes that the slot or its runs have started, except the lasting ones. */
  #list(wanted?: (pid: number) => boolean): SystemProcess[] {
    return listProcesses(wanted).filter((found) => {
      const { pid, parent, session } = found;
      if (pid === process.pid) return false;
      const isOurs = session === process.pid || parent === process.pid || hasVariable(pid, this.#mark);
      return isOurs && !this.#isLasting(found);
    });
  }

  #isLasting({ pid, parent }: SystemProcess): boolean {
    if (this.#lasting.size === 0) return false;
    if (this.#lasting.has(pid)) return true;
    const above = parent === process.pid ? undefined : readProcess(parent);
    return above !== undefined && this.#isLasting(above);
  }
}

/**
 * The processes that a run left behind: those that were ended, and those that have left the slot's session (`setsid`,
 * `detached: true`) and continue.
 */
export interface LeftProcesses {
  readonly ended: readonly SystemProcess[];
  readonly detached: readonly SystemProcess[];
}

type Call = (this: unknown, ...args: unknown[]) => unknown;

function before(owner: object, name: string, act: () => void): void {
  const methods = owner as { [name: string]: Call };
  const original = methods[name]!;
  methods[name] = function (...args) {
    act();
    return original.apply(this, args);
  };
}

/** The process id that the system assigned last; 0 if unknown. */
function lastProcessId(): number {
  try {
    return Number(readFileSync('/proc/loadavg', 'latin1').trim().split(' ').at(-1)) || 0;
  } catch {
    return 0;
  }
}

function hasVariable(pid: number, variable: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`.includes(`\0${variable}\0`);
  } catch {
    // It belongs to another user, or has ended.
    return false;
  }
}
