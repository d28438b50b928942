import { setTimeout as sleep } from 'node:timers/promises';
import { segmentsFolder } from '../../../storage/file/layout.js';
import type { Transport } from '../../../transport/transport.js';
import { RecordedCells } from '../array/recorded-cells.js';
import type { ClusterRetry } from '../cluster-retry.js';
import { type CollectedArray, type CollectPlace, collectOnce } from './collector.js';
import { SegmentCopies } from './segment-copies.js';

/** Arrays that ask within this time share one round trip. */
const GATHER_MS = 100;

/** Collects what a submission's arrays record, for all of them together. */
export class SubmissionCollector {
  readonly recorded: RecordedCells;
  readonly #transport: Transport;
  readonly #place: CollectPlace;
  readonly #copies: SegmentCopies;
  readonly #arrays = new Set<CollectedArray>();
  #next: Promise<void> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param folder the experiment's folder in the store
   * @param there the spool, and the experiment's folder in it
   */
  constructor(
    transport: Transport,
    folder: string,
    there: Omit<CollectPlace, 'segments'>,
    submission: string,
  ) {
    this.#transport = transport;
    this.#place = { ...there, segments: `segments/${submission}` };
    this.#copies = new SegmentCopies(segmentsFolder(folder, submission));
    this.recorded = new RecordedCells(folder, submission);
  }

  add(array: CollectedArray): () => void {
    this.#arrays.add(array);
    return () => this.#arrays.delete(array);
  }

  /**
   * Copies everything that was on the cluster at the time of the call into the store, and counts it.
   *
   * @throws what `ClusterRetry.until` throws; the system's error if the store can't be written
   */
  async collect(retry: ClusterRetry): Promise<void> {
    await retry.until(() => {
      this.#next ??= this.#begin();
      return this.#next;
    });
  }

  /** Syncs the copies to disk. */
  sync(): Promise<void> {
    return this.#copies.sync();
  }

  /**
   * A round for callers that asked before it began. One round at a time, since each begins where the last one ended.
   */
  #begin(): Promise<void> {
    const before = this.#last;
    const round = sleep(GATHER_MS)
      .then(() => before)
      .then(async () => {
        this.#next = undefined;
        await collectOnce(this.#transport, this.#place, this.#copies, [...this.#arrays]);
        await this.recorded.scan();
      });
    this.#last = round.catch(() => {});
    return round;
  }
}
