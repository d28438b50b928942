import { setTimeout as sleep } from 'node:timers/promises';
import { type Finished, type SubmitLine, startMetalab } from '../support/metalab.js';

/** A followed submit that found no server may be tried again, as its user would. */
const MOST_TRIES = 20;
const INFRASTRUCTURE = 3;

/** Somebody who submits, and submits again when the command line was killed, until there is an outcome. */
export class Follower {
  readonly outcome: Promise<SubmitLine>;
  /** Ends of the command line that nothing explains. */
  readonly complaints: string[] = [];
  /** What it said when it gave up for want of a server or worker. */
  readonly gaveUp: string[] = [];
  readonly #file: string;
  readonly #options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv };
  readonly #gapMs: number;
  #current: ReturnType<typeof startMetalab> | undefined;
  #killed = false;

  constructor(
    file: string,
    options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
    gapMs: number,
  ) {
    this.#file = file;
    this.#options = options;
    this.#gapMs = gapMs;
    this.outcome = this.#follow();
  }

  /** SIGKILL. @returns whether there was one */
  kill(): boolean {
    if (!this.#current || this.#current.exitCode !== null || this.#killed) return false;
    this.#killed = true;
    return this.#current.kill('SIGKILL');
  }

  async #follow(): Promise<SubmitLine> {
    for (let tries = 1; tries <= MOST_TRIES; tries++) {
      this.#killed = false;
      this.#current = startMetalab(['submit', this.#file, '--slots', '2', '--json'], this.#options);
      const finished = await this.#current.finished;
      const line = finished.stdout.trim().split('\n').at(-1) ?? '';
      if (finished.code === 0 && line.startsWith('{')) return JSON.parse(line) as SubmitLine;
      if (!this.#killed) this.#complain(finished);
      await sleep(this.#killed ? this.#gapMs : 500);
    }
    throw new Error(`no outcome after ${MOST_TRIES} submits`);
  }

  /** Without a server for the moment, a submit may say so; anything else is wrong. */
  #complain({ code, stdout, stderr }: Finished): void {
    if (code !== INFRASTRUCTURE) this.complaints.push(`submit ended with ${code}:\n${stdout}${stderr}`);
    else this.gaveUp.push(stderr);
  }
}
