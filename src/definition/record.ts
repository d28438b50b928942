import type { ErrorDescription } from './errors.js';
import type { JsonObject, JsonValue } from './json.js';

/** How a run ended. `running` and `pending` are never stored: they are derived from live chunks and the plan. */
export const RUN_STATUSES = ['success', 'failed', 'cancelled'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** A metric's value: a number, which may be NaN or infinite, a string or a boolean. */
export type MetricValue = number | string | boolean;

/** Whether a value can be a metric's. */
export const isMetricValue = (value: unknown): value is MetricValue =>
  typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';

/** An artifact that a run saved under a name. `uri` is relative to the experiment's folder in the store. */
export interface ArtifactDescriptor {
  readonly artifact_id: string;
  readonly name: string;
  /** `artifact`, `file` or `figure`: the capture method that saved it. */
  readonly kind: string;
  /** The serializer's name: `json`, `text`, `bytes`, `csv`, `npy`, `svg`, `png`, `vega-lite`, or the user's own. */
  readonly format: string;
  readonly uri: string;
  /** Hex SHA-256 of the bytes. */
  readonly content_hash: string;
  readonly size_bytes: number;
  readonly metadata: JsonObject;
}

/** What identifies an artifact's bytes: where they are, their SHA-256 and their number. The store decides it. */
export type ArtifactContent = Pick<ArtifactDescriptor, 'uri' | 'content_hash' | 'size_bytes'>;

/** The prefix of warnings that metalab itself adds to a record. `submit` shows them. */
export const OWN_WARNING = 'metalab: ';

/** One run's outcome: the same snake_case object in NDJSON, Parquet, Postgres and the REST API. */
export interface RunRecord {
  readonly run_id: string;
  readonly experiment_id: string;
  readonly status: RunStatus;
  /** 0 for a run's first execution; each requested re-execution adds one. */
  readonly generation: number;
  /** 1 for the first try within a generation; `retries` and lost slots add to it. */
  readonly attempt: number;
  readonly context_fingerprint: string;
  readonly params_fingerprint: string;
  readonly seed_fingerprint: string;
  readonly code_fingerprint: string;
  /** The cell's index in params × seeds: case × replicates + replicate. */
  readonly index: number;
  readonly replicate: number;
  readonly params: JsonObject;
  /** Numbers that are not finite are in JSON as `non-finite.ts` says. */
  readonly metrics: { readonly [name: string]: MetricValue };
  /** ISO 8601, UTC. */
  readonly started_at: string;
  readonly finished_at: string;
  /** Measured on a monotonic clock, milliseconds. */
  readonly duration_ms: number;
  readonly provenance: JsonObject;
  readonly error: ErrorDescription | null;
  readonly tags: readonly string[];
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
  readonly artifacts: readonly ArtifactDescriptor[];
}

/** One point of a stepped metric, in a `series-*` segment. */
export interface SeriesPoint {
  readonly run_id: string;
  readonly attempt: number;
  readonly generation: number;
  readonly name: string;
  readonly step: number;
  readonly value: number;
}

/** One `capture.data` entry, in a `data-*` segment. */
export interface DataEntry {
  readonly run_id: string;
  readonly attempt: number;
  readonly generation: number;
  readonly name: string;
  readonly value: JsonValue;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'stdout', 'stderr'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One log line of a run, in a `logs-*` segment. `stdout` and `stderr` are what the operation printed. */
export interface LogLine {
  readonly run_id: string;
  readonly attempt: number;
  readonly generation: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly level: LogLevel;
  readonly message: string;
}
