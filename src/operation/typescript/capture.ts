import { hash } from 'node:crypto';
import { basename } from 'node:path';
import type { JsonObject, JsonValue } from '../../definition/json.js';
import {
  type ArtifactContent,
  type ArtifactDescriptor,
  isMetricValue,
  type MetricValue,
} from '../../definition/record.js';
import type { Capture } from '../../definition/run-arguments.js';
import { refuseOptions } from '../capture-options.js';
import { encodeFigure } from '../figure.js';
import { jsonText } from '../json-text.js';
import type { RunSink } from '../run-sink.js';
import { serializerFor } from '../serializers/registry.js';

/** What one attempt of a run captured: the record's part is kept here, the rest goes through the sink. */
export class RunCapture implements Capture {
  // Each is undefined until it is used: most of a run's costs are objects that it never needs.
  collectedMetrics: { [name: string]: MetricValue } | undefined;
  collectedTags: Set<string> | undefined;
  collectedWarnings: string[] | undefined;
  collectedNotes: string[] | undefined;
  collectedArtifacts: Map<string, ArtifactDescriptor> | undefined;
  readonly #runId: string;
  readonly #sink: RunSink;
  #open = true;
  #hasData = false;

  constructor(runId: string, sink: RunSink) {
    this.#runId = runId;
    this.#sink = sink;
  }

  /** Whether anything was captured that a run is done for: a metric, data, an artifact. */
  get hasResults(): boolean {
    return this.collectedMetrics !== undefined || this.collectedArtifacts !== undefined || this.#hasData;
  }

  /** After this, every call throws: a promise that was not awaited must not capture for another run. */
  close(): void {
    this.#open = false;
  }

  metric(given: string, value: MetricValue, options?: { readonly step?: number }): void {
    const name = this.#checkName('metric', given);
    if (!isMetricValue(value)) {
      throw new TypeError(`metric '${name}' is ${word(value)}: expected a number, a string or a boolean`);
    }
    if (options !== undefined) refuseOptions('metric', name, options, ['step']);
    if (options?.step !== undefined) this.#point(name, value, options.step);
    this.collectedMetrics ??= {};
    if (name === '__proto__') {
      Object.defineProperty(this.collectedMetrics, name, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    } else {
      this.collectedMetrics[name] = value;
    }
  }

  metrics(values: { readonly [name: string]: MetricValue }): void {
    for (const name of Object.keys(values)) this.metric(name, values[name]!);
  }

  data(given: string, value: JsonValue): void {
    const name = this.#checkName('data', given);
    this.#hasData = true;
    this.#sink.data(name, jsonText(value, `data '${name}'`));
  }

  artifact(
    given: string,
    value: unknown,
    options: { readonly format?: string; readonly metadata?: JsonObject } = {},
  ): void {
    const name = this.#checkArtifact('artifact', given);
    refuseOptions('artifact', name, options, ['format', 'metadata']);
    const serializer = serializerFor(value, options.format, name);
    const stored = this.#sink.store(serializer.serialize(value));
    this.#keep(name, 'artifact', serializer.name, stored, options.metadata);
  }

  file(path: string, options: { readonly name?: string; readonly metadata?: JsonObject } = {}): void {
    refuseOptions('file', String(path), options, ['name', 'metadata']);
    const name = this.#checkArtifact('file', options.name ?? basename(path));
    this.#keep(name, 'file', 'bytes', this.#sink.storeFile(path), options.metadata);
  }

  figure(
    given: string,
    figure: string | Uint8Array | JsonObject,
    options: { readonly metadata?: JsonObject } = {},
  ): void {
    const name = this.#checkArtifact('figure', given);
    refuseOptions('figure', name, options, ['metadata']);
    const { format, bytes } = encodeFigure(name, figure);
    this.#keep(name, 'figure', format, this.#sink.store(bytes), options.metadata);
  }

  log(message: string): void {
    this.info(message);
  }

  debug(message: string): void {
    this.#checkOpen('debug');
    this.#sink.log('debug', String(message));
  }

  info(message: string): void {
    this.#checkOpen('log');
    this.#sink.log('info', String(message));
  }

  error(message: string): void {
    this.#checkOpen('error');
    this.#sink.log('error', String(message));
  }

  warn(message: string): void {
    this.#checkOpen('warn');
    this.#sink.log('warn', String(message));
    this.collectedWarnings ??= [];
    this.collectedWarnings.push(String(message));
  }

  tag(...tags: string[]): void {
    const names = tags.map((tag) => this.#checkName('tag', tag));
    this.collectedTags ??= new Set();
    for (const name of names) this.collectedTags.add(name);
  }

  note(text: string): void {
    this.#checkOpen('note');
    this.collectedNotes ??= [];
    this.collectedNotes.push(String(text));
  }

  #point(name: string, value: MetricValue, step: number): void {
    if (typeof value !== 'number' || !Number.isFinite(step)) {
      throw new TypeError(
        `metric '${name}' at step ${word(step)} is ${word(value)}: expected a number at a finite step; strings and booleans have no steps`,
      );
    }
    this.#sink.series(name, step, value);
  }

  #keep(
    name: string,
    kind: string,
    format: string,
    stored: ArtifactContent,
    metadata: JsonObject = {},
  ): void {
    jsonText(metadata, `metadata of '${name}'`);
    const artifact_id = hash('sha256', `${this.#runId}:${name}`, 'hex').slice(0, 32);
    const { uri, content_hash, size_bytes } = stored;
    this.collectedArtifacts ??= new Map();
    this.collectedArtifacts.set(name, {
      artifact_id,
      name,
      kind,
      format,
      uri,
      content_hash,
      size_bytes,
      metadata,
    });
  }

  #checkArtifact(method: string, given: string): string {
    const name = this.#checkName(method, given);
    if (this.collectedArtifacts?.has(name)) {
      throw new Error(
        `${method} '${name}': this run has already saved something under that name; give each its own`,
      );
    }
    return name;
  }

  /** @returns the name as it is stored: two that differ in half of a surrogate pair are one */
  #checkName(method: string, name: unknown): string {
    if (!this.#open) this.#checkOpen(method);
    if (typeof name !== 'string' || name === '') {
      throw new TypeError(
        `capture.${method}: the name is ${name === '' ? 'empty' : word(name)}: expected a text`,
      );
    }
    return name.toWellFormed();
  }

  #checkOpen(method: string): void {
    if (this.#open) return;
    throw new Error(
      `capture.${method} after the run of ${this.#runId} has ended: await what the operation starts`,
    );
  }
}

function word(value: unknown): string {
  if (value === null || typeof value === 'number' || value === undefined) return String(value);
  if (typeof value === 'bigint') return `the bigint ${value}n`;
  if (typeof value === 'string') return JSON.stringify(value);
  return `a value of type ${typeof value === 'object' ? (value.constructor?.name ?? 'object') : typeof value}`;
}
