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
} from './protocol-session.js';

/** In less time no system has so many processes come and go that their ids begin again. */
const FEW_MS = 5_000;

/**
 * Ends the processes that a run leaves behind: they would take cpus and memory from the runs after it. Costs nothing for
 * runs that start none: that is noticed where Node starts processes.
 */
export class ChildProcesses {
  readonly #mark = `${SLOT_VARIABLE}=${process.env[SLOT_VARIABLE]}`;
  /** Set while somebody has started something since the last look: the last process id before, and when that was. */
  #started: { readonly pid: number; readonly at: number } | undefined;
  /** Processes that the user's modules started at import: they are all runs'. */
  #lasting: ReadonlySet<number> = new Set();
  readonly #told = new Set<number>();

  /** Must be called before the user's modules are imported: they keep what they import. */
  constructor() {
    const start = () => {
      this.#started ??= { pid: lastProcessId(), at: performance.now() };
    };
    // Every way to start one that does not wait for it ends there.
    const { prototype } = childProcess.ChildProcess as unknown as {
      prototype: { spawn(options: unknown): unknown };
    };
    before(prototype, 'spawn', start);
    for (const name of ['spawnSync', 'execSync', 'execFileSync'] as const) before(childProcess, name, start);
    // Threads have a child_process of their own.
    const { Worker } = workerThreads;
    workerThreads.Worker = new Proxy(Worker, {
      construct(target, args, newTarget) {
        start();
        return Reflect.construct(target, args, newTarget) as object;
      },
    });
    syncBuiltinESMExports();
  }

  /** What there is now is there for all runs: to be called when the user's modules are imported. */
  remember(): void {
    if (!this.#started) return;
    this.#started = undefined;
    this.#lasting = new Set(this.#list().map(({ pid }) => pid));
  }

  /** Ends what was started since the last call and is still there. */
  end(): LeftProcesses | undefined {
    if (!this.#started) return undefined;
    const { pid: last, at } = this.#started;
    this.#started = undefined;
    const newest = lastProcessId();
    const inOrder = last > 0 && newest >= last && performance.now() - at < FEW_MS;
    const found = this.#list(inOrder ? (pid) => pid > last && pid <= newest : undefined);
    const isOwn = ({ session }: SystemProcess) => session === process.pid;
    const ended = found.some(isOwn)
      ? killSession(process.pid, (each) => each.pid === process.pid || this.#isLasting(each))
      : [];
    const detached = found.filter((each) => !isOwn(each) && !this.#told.has(each.pid));
    for (const { pid } of detached) this.#told.add(pid);
    return { ended, detached };
  }

  /** Those that the slot or its runs have started, but for the lasting ones. */
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

/** What a run left behind: what was ended, and what had left the slot's session (`setsid`, `detached: true`) and lives on. */
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

/** The id that the system gave last; 0 where it doesn't tell. */
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
    // Another user's, or gone.
    return false;
  }
}
