import { Followed } from '../../../storage/file/followed.js';
import type { BatchRequest } from '../../batch-executor.js';
import type { ClusterRetry } from '../cluster-retry.js';

const FOLLOWED_LOOK_MS = 2_000;

/** The wait between two polls of an array, which ends early when there is something to see. */
export class PollTimer {
  readonly #followed: Followed;
  readonly #retry: ClusterRetry;
  #wake = () => {};

  constructor({ folder, submission }: Pick<BatchRequest, 'folder' | 'submission'>, retry: ClusterRetry) {
    this.#followed = new Followed(folder, submission);
    this.#retry = retry;
  }

  wake(): void {
    this.#wake();
  }

  /**
   * Waits for less time while somebody watches a run's log. @returns whether it ended early, because there is something
   * to see
   */
  async untilLook(ms: number): Promise<boolean> {
    for (let left = ms; left > 0; left -= FOLLOWED_LOOK_MS) {
      const woken = await this.sleep(Math.min(left, FOLLOWED_LOOK_MS));
      if (woken || (await this.#followed.now())) return true;
    }
    return false;
  }

  /** @returns whether it was woken */
  async sleep(ms: number): Promise<boolean> {
    let isWoken = false;
    const woken = new Promise<void>((resolve) => {
      this.#wake = () => {
        isWoken = true;
        resolve();
      };
    });
    await this.#retry.sleep(ms, woken);
    return isWoken;
  }
}
