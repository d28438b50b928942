import type { ExperimentDeclaration } from '../../../definition/declaration.js';
import type { ErrorDescription } from '../../../definition/errors.js';
import type { JsonObject } from '../../../definition/json.js';
import { numberText } from '../../../definition/non-finite.js';
import type { ArtifactDescriptor, MetricValue, RunStatus } from '../../../definition/record.js';
import { wellFormedJson } from '../../../definition/well-formed.js';
import type { Cell } from '../../../identity/cells.js';
import { isoTime } from './iso-time.js';

/** What the operation gave to its run's record. */
export interface Captured {
  readonly collectedMetrics: { readonly [name: string]: MetricValue } | undefined;
  readonly collectedTags: ReadonlySet<string> | undefined;
  readonly collectedWarnings: readonly string[] | undefined;
  readonly collectedNotes: readonly string[] | undefined;
  readonly collectedArtifacts: ReadonlyMap<string, ArtifactDescriptor> | undefined;
}

/** How a run ended, as far as its record says. Times are wall-clock milliseconds. */
export interface Outcome {
  readonly status: RunStatus;
  readonly attempt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  /** Monotonic. */
  readonly durationMs: number;
  readonly error: ErrorDescription | null;
  readonly capture: Captured | undefined;
  /** What the runner warns of, beside what the operation does. */
  readonly warnings?: readonly string[] | undefined;
  /** What its provenance says over what the slot's does. */
  readonly provenance?: JsonObject | undefined;
}

/** An operation that makes metrics' names up as it goes must not fill the memory with them. */
const MAX_NAMES = 1000;

/**
 * Writes records, byte for byte what `JSON.stringify(record)` would write with `RunRecord`'s keys in their order and
 * well-formed text. What all of a slot's records share is text already: that takes 0.4 of the time of stringifying the object.
 */
export class RecordLines {
  readonly #experiment: string;
  readonly #context: string;
  readonly #code: string;
  readonly #place: JsonObject;
  /** Without its closing brace: what is measured comes behind it. */
  readonly #placeText: string;
  readonly #measures: (() => string) | undefined;
  readonly #provenance: string;
  readonly #tags: readonly string[];
  /** What ends the record of a run that captured nothing but metrics. */
  readonly #bare: string;
  readonly #names = new Map<string, string>();

  /** @param measures JSON members that every record's provenance has of its own, each after a comma; without it, all is one text */
  constructor(declaration: ExperimentDeclaration, provenance: JsonObject, measures?: () => string) {
    this.#experiment = `","experiment_id":${JSON.stringify(declaration.experiment_id)},"status":"`;
    this.#context = `,"context_fingerprint":${JSON.stringify(declaration.context_fingerprint)},"params_fingerprint":"`;
    this.#code = `","code_fingerprint":${JSON.stringify(declaration.operation.code_fingerprint)},"index":`;
    this.#place = provenance;
    this.#measures = measures;
    this.#placeText = JSON.stringify(provenance).slice(0, -1);
    this.#provenance = provenanceText(this.#placeText, '');
    this.#tags = declaration.tags;
    const tags = JSON.stringify([...new Set(declaration.tags)]);
    this.#bare = `,"tags":${tags},"warnings":[],"notes":[],"artifacts":[]}`;
  }

  line(cell: Cell, outcome: Outcome): string {
    const { capture, error } = outcome;
    const ofCase = cell.case;
    const metrics = capture?.collectedMetrics;
    return wellFormedJson(
      `{"run_id":"${cell.runId}${this.#experiment}${outcome.status}","generation":${cell.generation}` +
        `,"attempt":${outcome.attempt}${this.#context}${ofCase.paramsFingerprint}` +
        `","seed_fingerprint":"${cell.seedFingerprint}${this.#code}${cell.index},"replicate":${cell.replicate}` +
        `,"params":${ofCase.paramsText},"metrics":${metrics ? this.#metricsText(metrics) : '{}'}` +
        `,"started_at":"${isoTime(outcome.startedAt)}","finished_at":"${isoTime(outcome.finishedAt)}` +
        `","duration_ms":${Math.round(outcome.durationMs * 1000) / 1000}${this.#provenanceOf(outcome)}` +
        `${error ? JSON.stringify(error) : 'null'}${this.#lists(ofCase.tags, outcome)}`,
    );
  }

  #provenanceOf({ provenance }: Outcome): string {
    if (provenance) return provenanceText(JSON.stringify({ ...this.#place, ...provenance }).slice(0, -1), '');
    return this.#measures ? provenanceText(this.#placeText, this.#measures()) : this.#provenance;
  }

  /** `JSON.stringify(metrics)` in half its time, since names come again; and with numbers that are not finite. */
  #metricsText(metrics: { readonly [name: string]: MetricValue }): string {
    let text = '{';
    for (const name of Object.keys(metrics)) {
      const value = metrics[name]!;
      const written = typeof value === 'number' ? numberText(value) : JSON.stringify(value);
      text += text === '{' ? this.#nameText(name) + written : `,${this.#nameText(name)}${written}`;
    }
    return `${text}}`;
  }

  #nameText(name: string): string {
    let text = this.#names.get(name);
    if (text === undefined) {
      text = `${JSON.stringify(name)}:`;
      if (this.#names.size < MAX_NAMES) this.#names.set(name, text);
    }
    return text;
  }

  /** The rest of the record, from `tags`. */
  #lists(ofCase: readonly string[], { capture, warnings }: Outcome): string {
    const {
      collectedTags: captured,
      collectedWarnings,
      collectedNotes,
      collectedArtifacts,
    } = capture ?? NOTHING;
    if (
      !captured &&
      !warnings &&
      !collectedWarnings &&
      !collectedNotes &&
      !collectedArtifacts &&
      ofCase.length === 0
    )
      return this.#bare;
    const allWarnings = warnings ? [...(collectedWarnings ?? []), ...warnings] : collectedWarnings;
    const tags = JSON.stringify([...new Set([...this.#tags, ...ofCase, ...(captured ?? [])])]);
    return (
      `,"tags":${tags},"warnings":${list(allWarnings)},"notes":${list(collectedNotes)}` +
      `,"artifacts":${list(collectedArtifacts?.values())}}`
    );
  }
}

const provenanceText = (place: string, measures: string) => `,"provenance":${place}${measures}},"error":`;

const NOTHING: Partial<Captured> = {};

const list = (values: Iterable<unknown> | undefined) => (values ? JSON.stringify([...values]) : '[]');
