import { callingModules } from './calling-modules.js';
import type { ContextValue } from './context.js';
import type { Derivation } from './derivation.js';
import type { Duration } from './duration.js';
import type { FailureLimit } from './failure-limit.js';
import type { JsonObject } from './json.js';
import type { MemorySize } from './memory-size.js';
import type { Objective } from './objective.js';
import type { Operation } from './operation.js';
import type { ParamSource } from './params/source.js';
import type { ResourceRequest } from './resources.js';
import type { SeedPlan } from './seeds.js';

const EXPERIMENT = Symbol.for('metalab.experiment');

/** The types of params and context come from the user's schema and context; `resolve` may name them. */
export interface ResolveInput {
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  readonly params: any;
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  readonly context: any;
}

/**
 * An experiment: operation × params × seeds, and the context that all runs share. `Params` is what the operation's schema
 * makes of a case.
 */
// biome-ignore lint/suspicious/noExplicitAny: as for AnyOperation, so that functions of any experiment take every one.
export interface ExperimentSpec<Params = any> {
  /** Letters, digits, `_`, `-` and `.`; begins with a letter or digit. */
  readonly name: string;
  /** As `name`. Together they are the experiment's id, `name:version`. */
  readonly version: string;
  /** An exported `operation(…)`. */
  // biome-ignore lint/suspicious/noExplicitAny: the context's type is the user's.
  readonly operation: Operation<Params, any>;
  /** `grid`, `random`, `manual`, or any iterable of param objects. */
  readonly params: ParamSource | Iterable<JsonObject>;
  readonly seeds: SeedPlan;
  /** Shared by all runs: part of their identity, frozen while they run. */
  readonly context?: { readonly [key: string]: ContextValue };
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly metadata?: JsonObject;
  /** Derives further params from the context and a case's params; what it returns is part of the identity. */
  readonly resolve?: (input: ResolveInput) => JsonObject | Promise<JsonObject>;
  /** How often a failed run is tried again before it counts as failed. Default 0. */
  readonly retries?: number;
  /** The maximum time of one run: `'90s'`, `'2h'`, or milliseconds. */
  readonly timeout?: Duration;
  /** The maximum memory of one run: `'512M'`, `'4G'`, or bytes. */
  readonly memory?: MemorySize;
  /** Executes each run in a new process of its own, which takes about 0.1 s more per run. Never part of identity. */
  readonly isolate?: boolean;
  /** What is optimised, e.g. `{ metric: 'loss', direction: 'min' }`: progress and `results --best` show the best run. Never part of identity. */
  readonly objective?: Objective;
  /** How many runs may fail before a submission is ended: 10, or '20%' of the finished ones. Never part of identity. */
  readonly maxFailures?: FailureLimit;
  /** Derived metrics: exported `derive(…)`s, by name. Computed as each run succeeds. Never part of identity. */
  readonly derived?: { readonly [name: string]: Derivation };
  /** Resources of a task on a cluster, if they differ from the environment's. Never part of identity. */
  readonly resources?: ResourceRequest;
  /** Names of environment variables that runs see beside PATH, HOME, LANG, TMPDIR, and those of devices and threads. */
  readonly env?: readonly string[];
  /** Further files that count as code: what the operation imports by a computed path or reads as data. Globs. */
  readonly code?: readonly string[];
}

// biome-ignore lint/suspicious/noExplicitAny: as ExperimentSpec.
export interface Experiment<Params = any> extends ExperimentSpec<Params> {
  /** The modules on the stack where it was declared: the programmatic client finds the file by them. */
  readonly [EXPERIMENT]: readonly string[];
}

/** Declares an experiment. It is checked at submit, and all problems are reported together. */
// biome-ignore lint/suspicious/noExplicitAny: as an operation's without a schema.
export function experiment<Params = any>(spec: ExperimentSpec<Params>): Experiment<Params> {
  return Object.freeze({ ...spec, [EXPERIMENT]: callingModules(experiment) });
}

export function isExperiment(value: unknown): value is Experiment {
  return typeof value === 'object' && value !== null && EXPERIMENT in value;
}

/** The modules on the stack where an experiment was declared, nearest first. */
export const declaringModules = (experiment: Experiment): readonly string[] => experiment[EXPERIMENT];
