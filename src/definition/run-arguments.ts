import type { JsonObject, JsonValue } from './json.js';
import type { MetricValue } from './record.js';
import type { Seeds } from './seeds.js';

/** Everything that an operation gets. Nothing is built before the operation reads it. */
export interface RunArguments<Params = JsonObject, Context = unknown> {
  /** This run's params, checked by the operation's schema if it has one. Frozen. */
  readonly params: Params;
  readonly seeds: Seeds;
  /** What all runs share: frozen. */
  readonly context: Context;
  readonly capture: Capture;
  readonly runtime: RunRuntime;
}

/** Saves a run's results. Those captured before a failure are kept in the failed record. */
export interface Capture {
  /**
   * A result of the run. With `step`, a point of a series (a learning curve): the last point is also the metric.
   *
   * @throws TypeError when the value is not a number, a string or a boolean; NaN and infinities are kept
   */
  metric(name: string, value: MetricValue, options?: { readonly step?: number }): void;
  metrics(values: { readonly [name: string]: MetricValue }): void;
  /** Any JSON, stored beside the record and read back by name. */
  data(name: string, value: JsonValue): void;
  /**
   * A file in the store, made from a value: JSON, text, bytes, rows as CSV, typed arrays as `.npy`.
   *
   * @param options.format a serializer's name; without it, the first that accepts the value
   */
  artifact(
    name: string,
    value: unknown,
    options?: { readonly format?: string; readonly metadata?: JsonObject },
  ): void;
  /** Copies a file that the operation wrote into the store. */
  file(path: string, options?: { readonly name?: string; readonly metadata?: JsonObject }): void;
  /** An SVG as text, a PNG as bytes, or a Vega-Lite specification as an object. */
  figure(
    name: string,
    figure: string | Uint8Array | JsonObject,
    options?: { readonly metadata?: JsonObject },
  ): void;
  /** A line of the run's log, like `info`. */
  log(message: string): void;
  debug(message: string): void;
  info(message: string): void;
  /** A line of the run's log at level `error`; this does not fail the run. */
  error(message: string): void;
  /** A warning: in the run's log and in its record. */
  warn(message: string): void;
  tag(...tags: string[]): void;
  note(text: string): void;
}

/** Writes lines to the run's log. */
export interface RunLogger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Where and how a run is executed. */
export interface RunRuntime {
  readonly runId: string;
  /** 1 for the first try; `retries` add to it. */
  readonly attempt: number;
  /** The experiment's metadata. */
  readonly metadata: JsonObject;
  readonly logger: RunLogger;
  /** A folder for only this run, created when first read and removed after the run. */
  readonly scratchDir: string;
  /** Aborts when the run is cancelled or out of time. */
  readonly signal: AbortSignal;
  /** Reports the run's progress, from 0 to 1. */
  progress(fraction: number): void;
}
