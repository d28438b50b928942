import { setTimeout as sleep } from 'node:timers/promises';
import { type Finished, type RunOptions, type SubmitLine, startMetalab } from '../support/metalab.js';
import { EXPERIMENT } from './experiment.js';
import type { Schedule } from './schedule.js';

/** A followed submit that found no server may be tried again, as its user would. */
const MAX_TRIES = 20;
const INFRASTRUCTURE = 3;

const SUBMIT = ['submit', 'soak.ts', '--slots', '2', '--json'];
const ATTACH = ['attach', EXPERIMENT, '--json'];

/** Somebody who submits, and submits again or attaches when the command line was killed, until there is an outcome. */
export class Follower {
  readonly outcome: Promise<SubmitLine>;
  /** Ends of the command line that nothing explains. */
  readonly complaints: string[] = [];
  /** What `submit` said when it gave up for want of a server or worker. */
  readonly gaveUp: string[] = [];
  readonly #options: RunOptions;
  readonly #schedule: Schedule;
  #current: ReturnType<typeof startMetalab> | undefined;
  #killed = false;

  constructor(options: RunOptions, schedule: Schedule) {
    this.#options = options;
    this.#schedule = schedule;
    this.outcome = this.#follow();
    // It is awaited later.
    this.outcome.catch(() => {});
  }

  /** SIGKILL. @returns whether there was one */
  kill(): boolean {
    if (!this.#current || this.#current.exitCode !== null || this.#killed) return false;
    this.#killed = true;
    return this.#current.kill('SIGKILL');
  }

  async #follow(): Promise<SubmitLine> {
    let command = SUBMIT;
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      this.#killed = false;
      this.#current = startMetalab(command, this.#options);
      const finished = await this.#current.finished;
      const line = finished.stdout.trim().split('\n').at(-1) ?? '';
      if (finished.code === 0 && line.startsWith('{')) return JSON.parse(line) as SubmitLine;
      if (!this.#killed && command === SUBMIT) this.#explain(finished);
      const { cli_gap_ms, cli_attaches } = this.#schedule;
      await sleep(this.#killed ? cli_gap_ms : 500);
      // What was killed before it had submitted can't be attached to: then it is submitted after all.
      command = this.#killed && cli_attaches ? ATTACH : SUBMIT;
    }
    throw new Error(`no outcome after ${MAX_TRIES} submits`);
  }

  #explain({ code, stdout, stderr }: Finished): void {
    if (code === INFRASTRUCTURE) this.gaveUp.push(stderr);
    else this.complaints.push(`submit ended with ${code}:\n${stdout}${stderr}`);
  }
}
