import type { ArtifactDescriptor, RunRecord } from '../../../definition/record.js';
import { parsePackUri } from '../../../storage/file/formats/pack.js';
import { listSegments, SegmentTails } from '../../../storage/file/formats/segments.js';
import type { Transport } from '../../../transport/transport.js';
import { type ArtifactPlaces, fetchArtifacts } from '../../fetch-artifacts.js';
import type { ClusterRetry } from '../cluster-retry.js';

/** Requested together: neighbours in a pack come in one part of it. */
const ARTIFACTS_AT_ONCE = 10_000;

/** Fetches the artifacts that records in the store name, for submits that ask for them. */
export class ArtifactCollector {
  readonly #transport: Transport;
  readonly #places: ArtifactPlaces;
  readonly #wanted: (record: RunRecord) => boolean;
  readonly #records: SegmentTails<RunRecord>;
  /** Not on the cluster when they were requested: a network filesystem may show them later. */
  #absent: readonly ArtifactDescriptor[] = [];
  #last: Promise<void> = Promise.resolve();

  /** @param submission by default, all of the experiment's submissions */
  constructor(
    transport: Transport,
    places: ArtifactPlaces,
    { submission, wanted = () => true }: ArtifactChoice = {},
  ) {
    this.#transport = transport;
    this.#places = places;
    this.#wanted = wanted;
    const list = () => listSegments(places.folder, 'records', submission);
    this.#records = new SegmentTails(list, '"artifacts":[{');
  }

  /**
   * Fetches every artifact that the store's records name at the time of the call, except those that the cluster has
   * lost or damaged: reading those reports an error.
   *
   * @throws what `ClusterRetry.until` throws; the system's error if the store can't be written
   */
  collect(retry: ClusterRetry): Promise<void> {
    const round = this.#last.then(() => this.#fetch(retry));
    this.#last = round.catch(() => {});
    return round;
  }

  async #fetch(retry: ClusterRetry): Promise<void> {
    const missing = new Map(this.#absent.map((artifact) => [artifact.uri, artifact]));
    const absent: ArtifactDescriptor[] = [];
    const bring = async () => {
      const artifacts = [...missing.values()];
      missing.clear();
      // Set before they have arrived, too: if that fails, the next round requests them again.
      this.#absent = [...absent, ...artifacts];
      const fetched = await retry.until(() => fetchArtifacts(this.#transport, this.#places, artifacts));
      // Packs are written one page after another, and a network filesystem may show the last ones later.
      absent.push(...fetched.absent, ...fetched.damaged.filter(({ uri }) => parsePackUri(uri)));
    };
    for await (const record of this.#records.read()) {
      if (!this.#wanted(record)) continue;
      for (const artifact of record.artifacts) missing.set(artifact.uri, artifact);
      if (missing.size >= ARTIFACTS_AT_ONCE) await bring();
    }
    if (missing.size > 0) await bring();
    this.#absent = absent;
  }
}

/** Selects the artifacts to fetch. */
export interface ArtifactChoice {
  readonly submission?: string;
  readonly wanted?: (record: RunRecord) => boolean;
}
