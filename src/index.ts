// metalab's public API: named exports only.

import type { SavedArtifacts, SaveOptions } from './client/artifacts/save-artifacts.js';
import type { Lab, LabOptions, SubmitOptions } from './client/lab.js';
import type { LoadOptions, ProjectConfig } from './config/project-config.js';
import type { Experiment } from './definition/experiment.js';
import type { JsonObject } from './definition/json.js';
import type { PlotRequest } from './plot/plot-request.js';
import type { VegaLiteSpec } from './plot/vega-lite-spec.js';
import type { RunComparison } from './results/compare/compare-runs.js';
import type { SubmissionResults } from './results/open.js';
import type { Results } from './results/results.js';
import type { StoredRun } from './results/stored-run.js';
import { provideDiscovery } from './storage/discovery.js';
import type { SubmissionOutcome } from './storage/manifest.js';
import { provideReach } from './storage/postgresql/reach.js';

export type { RunHandle } from './client/run-handle.js';
export type { ObjectiveStatus, SameError, ShownBest } from './client/status/best-run.js';
export type { SweepEvent } from './client/status/events.js';
export type { SweepStatus } from './client/status/sweep-status.js';
export type { EnvironmentType } from './config/environment-type.js';
export type { ExecutorConfig } from './config/executor-config.js';
export type { ResolvedConfig, ResolvedEnvironment } from './config/resolved-config.js';
export type { ArtifactDescriptor, LogLine, MetricValue, RunRecord, RunStatus } from './definition/record.js';
export type { Executor } from './execution/executor.js';
export type { CreateExecutor } from './execution/registry.js';
export * from './operation/public.js';
export type { Change, ComparedFact } from './results/compare/compare-runs.js';
export type { ColumnKind } from './results/export/column-kinds.js';
export type { Exported, ExportFormat, ExportOptions } from './results/export/exported.js';
export type { Grouped } from './results/grouped.js';
export type { Cell, Row } from './results/query/cell.js';
export type { Column } from './results/query/columns.js';
export type { Condition } from './results/query/conditions.js';
export type { Group, Groups, Summary } from './results/query/grouping.js';
export type { Statistic } from './results/query/statistics.js';
export type { Point, Table } from './results/results.js';
export type { ResultsSummary } from './results/results-summary.js';
export type { RunDetails } from './results/run-details.js';
export type { StoredRun as Run } from './results/stored-run.js';
export type { ServicePlugin } from './services/plugin.js';
export type { LoggedRun } from './storage/file/formats/logs.js';
export type { ExperimentManifest } from './storage/manifest.js';
export type { LocateStore } from './storage/registry.js';
export type {
  ArtifactOpen,
  ExperimentManifests,
  FileText,
  LineKind,
  LogListing,
  LogPath,
  ResultsStore,
  Store,
  StructuredResults,
  WorkingDirectory,
} from './storage/store.js';
export { parseStore, type StoreConfig } from './storage/store-config.js';
export type { StoreSettings } from './storage/store-settings.js';
export type {
  Lab,
  LabOptions,
  LoadOptions,
  PlotRequest,
  ProjectConfig,
  Results,
  RunComparison,
  SavedArtifacts,
  SaveOptions,
  SubmissionOutcome,
  SubmissionResults,
  SubmitOptions,
  VegaLiteSpec,
};

provideReach(async (settings) => (await import('./services/reach-service.js')).reachService(settings));
provideDiscovery(async () => (await import('./client/services/discover-store.js')).discoverStore());

// Loaded when first called: experiment files import this module too, and have no use for a Temporal client.

/** Connects to Temporal and to a worker on this machine, starting what does not run: see {@link Lab}. */
export async function connect(options?: LabOptions): Promise<Lab> {
  return (await import('./client/connect.js')).connect(options);
}

/** Submits an experiment, waits for its results, and closes the connection: the one-liner. */
export async function run<Params>(
  experiment: Experiment<Params>,
  options?: SubmitOptions & LabOptions,
): Promise<SubmissionResults<Params>> {
  return (await import('./client/run.js')).run(experiment, options);
}

/**
 * Opens the results of an experiment in a store, without a server: `await openResults('experiments', 'pi_mc')`. The
 * experiment itself in place of its id gives the params the types of its schema; `openResults<{ lr: number }>(…)` states
 * them.
 *
 * @throws UsageError if there is no such store or experiment
 */
export async function openResults<Params = JsonObject>(
  store: string,
  experiment: string | Experiment<Params>,
): Promise<Results<Params>> {
  return (await import('./client/open-results.js')).openResults(store, experiment);
}

/**
 * What differs between 2 to 10 runs, which may be of different experiments: `compareRuns(results.limit(3).runs())`. Numbers
 * come with their difference and ratio to the first run's.
 *
 * @throws UsageError if there are fewer or more, or one of them twice
 */
export async function compareRuns(
  runs: Iterable<StoredRun<unknown>> | AsyncIterable<StoredRun<unknown>>,
): Promise<RunComparison> {
  return (await import('./results/compare/compare-runs.js')).compareRuns(runs);
}

/**
 * The chart of some results as a Vega-Lite spec with its data, and what was left out of it, as sentences.
 *
 * @throws UsageError if a column is unknown, or the request can't be drawn
 */
export async function plotResults(
  results: Results,
  request: PlotRequest,
): Promise<{ readonly spec: VegaLiteSpec; readonly notes: readonly string[] }> {
  return (await import('./plot/plot-results.js')).plotResults(results, request);
}

/**
 * Saves the artifacts of some results as files: `saveArtifacts(results.successful(), 'figures', { names: ['fit'] })`. Those
 * that are only on a cluster are fetched. What can't be saved is reported with its reason.
 *
 * @throws UsageError if the folder can't be written, or no run has an artifact of one of the names
 */
export async function saveArtifacts(
  results: Results,
  folder: string,
  options?: SaveOptions,
): Promise<SavedArtifacts> {
  return (await import('./client/artifacts/save-artifacts.js')).saveArtifacts(results, folder, options);
}

/** Reads `.metalab.toml` and `.metalab.local.toml`, from the current folder upwards: `(await loadConfig()).resolve('cluster')`. */
export async function loadConfig(options?: LoadOptions): Promise<ProjectConfig> {
  return (await import('./config/project-config.js')).ProjectConfig.load(options);
}
