import { callingModules } from './calling-modules.js';
import type { ErrorDescription } from './errors.js';
import type { JsonObject, JsonValue } from './json.js';
import type { ArtifactDescriptor, LogLine, MetricValue, RunRecord, RunStatus } from './record.js';
import { formatValue, refuse } from './refuse.js';

/** A stepped metric: the value at each step, in the order in which they were captured. */
export interface Series {
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

/** Derived metrics of a run: numbers, texts or booleans by name. */
export interface DerivedMetrics {
  readonly [name: string]: MetricValue;
}

/** What a derivation came to for one run: its metrics, or why there are none. */
export type DerivedResult =
  | { readonly derivation: string; readonly values: DerivedMetrics }
  | { readonly derivation: string; readonly error: ErrorDescription };

/** A run that has ended, and what stands beside its record. None of that is read before it is asked for. */
export interface RecordedRun<Params = JsonObject> {
  readonly id: string;
  readonly experiment: string;
  readonly status: RunStatus;
  readonly params: Params;
  readonly metrics: { readonly [name: string]: MetricValue };
  /** @throws UsageError in a derivation, which has none of them */
  readonly derived: DerivedMetrics;
  readonly tags: readonly string[];
  readonly provenance: JsonObject;
  readonly error: ErrorDescription | null;
  readonly artifacts: readonly ArtifactDescriptor[];
  /** As it is stored. */
  readonly record: RunRecord;
  /** @throws UsageError naming the series that there are */
  series(name: string): Promise<Series>;
  /** What `capture.data` saved under a name. @throws UsageError naming the entries that there are */
  data(name: string): Promise<JsonValue>;
  /** What an artifact holds, by its format. @throws UsageError naming the artifacts that there are */
  artifact(name: string): Promise<unknown>;
  /** Its log lines, attempt by attempt. */
  logs(): AsyncIterable<LogLine>;
}

// Registered, not unique: an experiment file may resolve another copy of this module than the CLI does.
const DERIVATION = Symbol.for('metalab.derivation');

/** Computes further metrics of a run from what the run left. */
export interface Derivation {
  readonly [DERIVATION]: true;
  readonly compute: (run: RecordedRun) => unknown;
  /** The modules on the stack where it was declared, nearest first. */
  readonly declaredIn: readonly string[];
}

/**
 * Declares derived metrics. They are never part of a run's identity, and are computed again when their own code changes.
 * It must be an exported binding of its module, as an operation.
 *
 * @example
 * export const gap = derive((run) => ({ gap: run.metrics.test_loss - run.metrics.train_loss }));
 *
 * @throws DefinitionError if it is no function
 */
// biome-ignore lint/suspicious/noExplicitAny: the user declares the type of params.
export function derive<Params = any>(
  compute: (run: RecordedRun<Params>) => DerivedMetrics | Promise<DerivedMetrics>,
): Derivation {
  if (typeof compute !== 'function')
    refuse([
      {
        where: 'derive',
        what: `got ${formatValue(compute)}`,
        expected: 'a function of a run: derive((run) => ({ gap: … }))',
      },
    ]);
  return {
    [DERIVATION]: true,
    compute: compute as Derivation['compute'],
    declaredIn: callingModules(derive),
  };
}

export function isDerivation(value: unknown): value is Derivation {
  return (
    typeof value === 'object' && value !== null && (value as { [DERIVATION]?: unknown })[DERIVATION] === true
  );
}
