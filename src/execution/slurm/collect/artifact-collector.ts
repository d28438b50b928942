import type { RunRecord } from '../../../definition/record.js';
import { SegmentTails } from '../../../storage/file/segment-tails.js';
import { listSegments } from '../../../storage/file/segments.js';
import { type ArtifactPlaces, fetchArtifact, hasArtifact } from '../../fetch-artifact.js';
import type { Transport } from '../../transport/transport.js';
import type { Patience } from '../ask.js';

/** Brings the artifacts of what a submission's records name, for submits that ask for them. */
export class ArtifactCollector {
  readonly #transport: Transport;
  readonly #places: ArtifactPlaces;
  readonly #records: SegmentTails<RunRecord>;
  #last: Promise<void> = Promise.resolve();

  constructor(transport: Transport, places: ArtifactPlaces, submission: string) {
    this.#transport = transport;
    this.#places = places;
    const list = () => listSegments(places.folder, 'records', submission);
    this.#records = new SegmentTails(list, '"artifacts":[{');
  }

  /**
   * Everything that the store's records name when it is called is there afterwards, but for what the cluster has no more or
   * has damaged: who reads that is told.
   *
   * @throws what `Patience.until` throws; the system's error where the store can't be written
   */
  collect(patience: Patience): Promise<void> {
    const round = this.#last.then(() => this.#fetch(patience));
    this.#last = round.catch(() => {});
    return round;
  }

  async #fetch(patience: Patience): Promise<void> {
    for await (const { artifacts } of this.#records.read())
      for (const artifact of artifacts) {
        patience.check();
        if (await hasArtifact(this.#places.folder, artifact)) continue;
        await patience.until(() => fetchArtifact(this.#transport, this.#places, artifact).catch(passOver));
      }
  }
}

function passOver(error: { readonly code?: unknown }): void {
  if (error.code !== 'METALAB_TRANSPORT_FILE' && error.code !== 'METALAB_ARTIFACT_DAMAGED') throw error;
}
