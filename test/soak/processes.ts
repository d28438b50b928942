import { readdirSync, readFileSync } from 'node:fs';
import { processStart } from '../../src/engine/process-start.mjs';

export interface SeenProcess {
  readonly pid: number;
  readonly parent: number;
  /** With the pid it names one process. */
  readonly start: string;
  readonly command: string;
}

/** All processes that have a variable in their environment: those of a soak, whoever started them. Linux only. */
export class MarkedProcesses {
  readonly #mark: string;
  readonly #seen = new Map<string, SeenProcess>();

  /** @param mark how a variable begins, `NAME=value`, that no other process has */
  constructor(mark: string) {
    this.#mark = mark;
  }

  /** The ones that live now, and remembers them. */
  look(): readonly SeenProcess[] {
    const alive = readdirSync('/proc').flatMap((name) => {
      const pid = Number(name);
      return Number.isInteger(pid) ? (this.#describe(pid) ?? []) : [];
    });
    for (const process of alive) this.#seen.set(`${process.pid} ${process.start}`, process);
    return alive;
  }

  /** Those ever seen that still live. */
  survivors(): readonly SeenProcess[] {
    this.look();
    return [...this.#seen.values()].filter(isAlive);
  }

  #describe(pid: number): SeenProcess | undefined {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
      if (!environment.some((variable) => variable.startsWith(this.#mark))) return undefined;
      const start = processStart(pid);
      if (start === undefined) return undefined;
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      return { pid, parent, start, command };
    } catch {
      // It ended while it was looked at, or is another user's.
      return undefined;
    }
  }
}

export const isAlive = ({ pid, start }: SeenProcess) => processStart(pid) === start;
export const isSlot = ({ command }: SeenProcess) => /runner\.mjs \d+$/.test(command);
export const isWorker = ({ command }: SeenProcess) => / worker( |$)/.test(command);

/** @returns whether there was a process to send it to */
export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
