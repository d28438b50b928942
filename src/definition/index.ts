// The public part of the Definition layer: the exports for experiment files.
export {
  type ContextDir,
  type ContextFile,
  type ContextValue,
  DirReference,
  dir,
  FileReference,
  file,
  type Resolved,
} from './context.js';
export {
  type Derivation,
  type DerivedMetrics,
  derive,
  isDerivation,
  type RecordedRun,
  type Series,
} from './derivation.js';
export type { Duration } from './duration.js';
export { type Experiment, type ExperimentSpec, experiment, isExperiment } from './experiment.js';
export type { JsonObject, JsonValue } from './json.js';
export type { MemorySize } from './memory-size.js';
export {
  type AnyOperation,
  isOperation,
  type Operation,
  type OperationSpec,
  operation,
} from './operation.js';
export { grid } from './params/grid.js';
export { manual } from './params/manual.js';
export { choice, int, logInt, logUniform, normal, random, uniform } from './params/random.js';
export type { Distribution, ParamSource, ParamSpec } from './params/source.js';
export type { ResourceRequest } from './resources.js';
export type { Rng } from './rng.js';
export type { Capture, RunArguments, RunLogger, RunRuntime } from './run-arguments.js';
export { forPreprocessing, type SeedPlan, Seeds, seeds } from './seeds.js';
