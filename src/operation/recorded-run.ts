import type { DerivedMetrics, RecordedRun, Series } from '../definition/derivation.js';
import { UsageError } from '../definition/errors.js';
import type { JsonObject, JsonValue } from '../definition/json.js';
import { oneOfNearest } from '../definition/nearest.js';
import type {
  ArtifactDescriptor,
  DataEntry,
  LogLine,
  MetricValue,
  RunRecord,
  RunStatus,
  SeriesPoint,
} from '../definition/record.js';
import { deserialize } from './serializers/registry.js';

/** Reads what stands beside a run's record. */
export interface RunFiles {
  series(record: RunRecord): AsyncIterable<SeriesPoint>;
  data(record: RunRecord): AsyncIterable<DataEntry>;
  logs(experimentId: string, run: { readonly run_id: string }): AsyncIterable<LogLine>;
  openArtifact(
    experimentId: string,
    artifact: ArtifactDescriptor,
  ): Promise<AsyncIterable<Uint8Array | string>>;
}

/**
 * One run, and what stands beside its record. Nothing of that is read before it is asked for. `Params` is what the
 * experiment's own schema says, where the run comes from the experiment itself.
 */
export class Run<Params = JsonObject> implements RecordedRun<Params> {
  readonly record: RunRecord;
  readonly #derived: DerivedMetrics | undefined;
  readonly #files: RunFiles;

  /** @param derived absent while they are computed */
  constructor(files: RunFiles, record: RunRecord, derived?: DerivedMetrics) {
    this.#files = files;
    this.record = record;
    this.#derived = derived;
  }

  get id(): string {
    return this.record.run_id;
  }

  get experiment(): string {
    return this.record.experiment_id;
  }

  get status(): RunStatus {
    return this.record.status;
  }

  get params(): Params {
    return this.record.params as Params;
  }

  get metrics(): { readonly [name: string]: MetricValue } {
    return this.record.metrics;
  }

  /** @throws UsageError in a derivation: what others derive changes with their code, and it would not be computed again */
  get derived(): DerivedMetrics {
    if (this.#derived) return this.#derived;
    throw new UsageError({
      code: 'METALAB_DERIVED',
      where: `run ${this.id}`,
      what: "a derivation can't read derived metrics",
      expected: 'metrics, series, data and artifacts of the run',
      next: 'call the function that the other derivation calls',
    });
  }

  get tags(): readonly string[] {
    return this.record.tags;
  }

  get provenance(): JsonObject {
    return this.record.provenance;
  }

  get error(): RunRecord['error'] {
    return this.record.error;
  }

  get artifacts(): readonly ArtifactDescriptor[] {
    return this.record.artifacts;
  }

  /** @throws UsageError naming the series that there are */
  async series(name: string): Promise<Series> {
    const steps: number[] = [];
    const values: number[] = [];
    const names = new Set<string>();
    for await (const point of this.#files.series(this.record)) {
      names.add(point.name);
      if (point.name !== name) continue;
      steps.push(point.step);
      values.push(point.value);
    }
    if (steps.length === 0) throw this.#unknown('series', name, names);
    return { steps, values };
  }

  /**
   * What `capture.data` saved under a name.
   *
   * @throws UsageError naming the entries that there are
   */
  async data(name: string): Promise<JsonValue> {
    const names = new Set<string>();
    let found: { readonly value: JsonValue } | undefined;
    for await (const entry of this.#files.data(this.record)) {
      names.add(entry.name);
      if (entry.name === name) found = entry;
    }
    if (!found) throw this.#unknown('data', name, names);
    return found.value;
  }

  /**
   * What an artifact holds, by its format: text, an object, `{ data, shape }` of npy, rows of texts of CSV, a registered
   * serializer's value; else its bytes.
   *
   * @throws UsageError naming the artifacts that there are; StoreError where its bytes are not in the store
   */
  async artifact(name: string): Promise<unknown> {
    const descriptor = this.artifacts.find((artifact) => artifact.name === name);
    if (!descriptor) {
      const names = this.artifacts.map((artifact) => artifact.name);
      throw this.#unknown('artifact', name, names);
    }
    return deserialize(descriptor.format, await this.#bytesOf(descriptor));
  }

  async #bytesOf(descriptor: ArtifactDescriptor): Promise<Uint8Array> {
    const chunks: Buffer[] = [];
    for await (const chunk of await this.#files.openArtifact(this.experiment, descriptor))
      chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  /** Its log lines, attempt by attempt. */
  logs(): AsyncIterable<LogLine> {
    return this.#files.logs(this.experiment, { run_id: this.id });
  }

  #unknown(kind: string, name: string, names: Iterable<string>): UsageError {
    const known = [...names];
    return new UsageError({
      code: 'METALAB_UNKNOWN_NAME',
      where: `run ${this.id}`,
      what: `has no ${kind} '${name}'`,
      expected: known.length > 0 ? oneOfNearest(name, known) : `a run that captured ${kind}`,
    });
  }
}
