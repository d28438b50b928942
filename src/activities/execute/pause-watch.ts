import { setTimeout as sleep } from 'node:timers/promises';
import { isPaused, type SubmissionStatus } from '../../contract/workflow.js';

const AGAIN_MS = 1_000;

/** Whether a submission is paused. If the workflow does not answer, the last known state stands. */
export class PauseWatch {
  readonly #ask: () => Promise<SubmissionStatus | null | undefined>;
  readonly #isOver: () => boolean;
  #paused: boolean | undefined;

  constructor(ask: () => Promise<SubmissionStatus | null | undefined>, isOver: () => boolean) {
    this.#ask = ask;
    this.#isOver = isOver;
  }

  async isPaused(): Promise<boolean> {
    for (;;) {
      const status = await this.#ask();
      if (status !== undefined) this.#paused = status !== null && isPaused(status);
      if (this.#paused !== undefined) return this.#paused;
      if (this.#isOver()) return true;
      await sleep(AGAIN_MS);
    }
  }
}
