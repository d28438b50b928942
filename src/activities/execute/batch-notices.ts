import type { ChunkNotice } from '../../contract/workflow.js';
import type { BatchProgress } from '../../execution/batch-executor.js';

/** Each notice adds some events to the history: an outage of days, whose message changes, must not fill it. */
const OTHER_WORDS_MS = 600_000;
const MORE_FAILURES = 1.1;

type Tell = (notice: Omit<ChunkNotice, 'submission' | 'from'>) => Promise<boolean>;

/** Tells the workflow the few things that it should know before a batch has ended. */
export class BatchNotices {
  readonly #tell: Tell;
  #waits: string | null | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;
  #failed = 0;

  /** @param tell returns whether the workflow received it */
  constructor(tell: Tell, options: { readonly mayWait: boolean }) {
    this.#tell = tell;
    // An earlier attempt may have reported that it waits.
    this.#waits = options.mayWait ? undefined : null;
  }

  /** Only waits that a person may have to end: jobs that wait for their turn are no news. */
  progress({ waits, stuck }: BatchProgress): void {
    const reason = stuck ? waits : null;
    if (reason === this.#waits) return;
    const now = performance.now();
    if (reason && this.#waits && now - this.#toldAt < OTHER_WORDS_MS) return;
    const before = this.#waits;
    this.#waits = reason;
    this.#toldAt = now;
    void this.#tell({ waits: reason }).then((heard) => {
      if (!heard) this.#waits = before;
    });
  }

  /** For a limit of failures. Only when the counts are a tenth higher than last reported. */
  failures({ success, failed, cancelled }: BatchProgress): void {
    if (failed === 0 || failed < this.#failed * MORE_FAILURES) return;
    const before = this.#failed;
    this.#failed = failed;
    void this.#tell({ runs: { failed, done: success + failed + cancelled } }).then((heard) => {
      if (!heard) this.#failed = before;
    });
  }
}
