import { sleep } from '@temporalio/workflow';
import { FAULT } from '../contract/workflow.js';
import { faultOf } from './activities.js';
import type { SubmissionState } from './submission-state.js';

const MAX_WAIT_S = 60;

/** Waits while a submission's store can't be written. Nothing that is recorded is lost. */
export class StoreWait {
  readonly #state: SubmissionState;
  readonly #probe: () => Promise<string | null>;
  #seconds = 1;

  /** @param probe returns why the store can't be written now; null if it can */
  constructor(state: SubmissionState, probe: () => Promise<string | null>) {
    this.#state = state;
    this.#probe = probe;
  }

  begin(reason: string): void {
    this.#state.unwritable = reason;
    this.#seconds = 1;
  }

  /** @returns undefined if the store could not be written: then a wait has begun */
  async unlessUnwritable<T>(activity: () => Promise<T>): Promise<T | undefined> {
    try {
      return await activity();
    } catch (failure) {
      const cause = faultOf(failure);
      if (cause?.type !== FAULT.storeUnwritable) throw failure;
      this.begin(cause.message);
      return undefined;
    }
  }

  /** Sleeps, twice as long each time, and tries to write. If that succeeds, the wait is over. */
  async tryAgain(): Promise<void> {
    await sleep(this.#seconds * 1000);
    this.#seconds = Math.min(MAX_WAIT_S, this.#seconds * 2);
    this.#state.unwritable = await this.#probe();
  }
}
