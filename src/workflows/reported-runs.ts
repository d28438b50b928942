import type { ExecuteResult } from '../contract/activities.js';
import { mergeDigests, type RunDigest } from '../definition/run-digest.js';
import { mergeMeans, type RunningMeans } from '../definition/running-mean.js';
import type { SubmissionSnapshot } from './carried.js';

/** What chunks and batches have reported when they ended. Contains no Temporal code. */
export class ReportedRuns {
  #counts: SubmissionSnapshot['counts'];
  #means: RunningMeans;
  #digest: RunDigest;

  constructor({ counts, means, digest = {} }: Pick<SubmissionSnapshot, 'counts' | 'means' | 'digest'>) {
    this.#counts = counts;
    this.#means = means;
    this.#digest = digest;
  }

  get failed(): number {
    return this.#counts.failed;
  }

  /** With any status. */
  get done(): number {
    const { success, failed, cancelled } = this.#counts;
    return success + failed + cancelled;
  }

  /** Mean duration of a run, milliseconds. */
  get meanMs(): number | undefined {
    return this.done > 0 ? this.#counts.elapsed_ms / this.done : undefined;
  }

  add(result: ExecuteResult): void {
    const { success, failed, cancelled, elapsed_ms } = this.#counts;
    this.#counts = {
      success: success + result.success,
      failed: failed + result.failed,
      cancelled: cancelled + result.cancelled,
      elapsed_ms: elapsed_ms + result.elapsed_ms,
    };
    this.#means = mergeMeans(this.#means, result.means);
    this.#digest = mergeDigests(this.#digest, result.digest);
  }

  toJSON(): Required<Pick<SubmissionSnapshot, 'counts' | 'means' | 'digest'>> {
    return { counts: this.#counts, means: this.#means, digest: this.#digest };
  }
}
