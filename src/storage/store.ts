import type { Readable } from 'node:stream';
import type { ExperimentDeclaration } from '../definition/declaration.js';
import type { ArtifactDescriptor, DataEntry, LogLine, RunRecord, SeriesPoint } from '../definition/record.js';
import type { ExperimentManifest, PlanManifest, SubmissionManifest, SubmissionOutcome } from './manifest.js';

/** How a store is opened. */
export interface OpenOptions {
  /** Make the store where there is none yet. Without it, a store that isn't there is an error. */
  readonly create?: boolean;
}

/** A record and where it stands: the last two keys of the rule of the final record. */
export interface StoredRecord {
  readonly record: RunRecord;
  readonly segment: string;
  /** Byte offset of the record's line in its segment. */
  readonly offset: number;
}

/**
 * Where records, artifacts, logs and manifests live. What a store can do beyond this it says by the capability
 * interfaces below, each with a type guard.
 */
export interface Store {
  /** What `--store` takes to open it again, e.g. `file:///data/experiments`. */
  readonly uri: string;
  /** The random id in `store.json`: the same through every mount and link. */
  readonly id: string;
  /** Ids of the experiments that have a manifest, sorted. */
  experiments(): Promise<string[]>;
  /** Every record of an experiment, in no order, several for one run_id where it was executed again. */
  records(experimentId: string): AsyncIterable<StoredRecord>;
  /** Series points, data entries and log lines of the attempt that won. */
  series(record: RunRecord): AsyncIterable<SeriesPoint>;
  data(record: RunRecord): AsyncIterable<DataEntry>;
  close(): Promise<void>;
}

/** A store whose experiments are folders on this machine: slots write their segments there. */
export interface WorkingDirectory {
  readonly root: string;
  experimentFolder(experimentId: string): string;
}

/** A store that can give an artifact's bytes. */
export interface ArtifactOpen {
  openArtifact(experimentId: string, artifact: ArtifactDescriptor): Promise<Readable>;
}

/** A store that can list a run's log lines. */
export interface LogListing {
  /** Streams them, attempt by attempt, each in the order it was written. */
  logs(experimentId: string, run: LoggedRun): AsyncIterable<StoredLogLine>;
}

/** Whose log lines are wanted: of every generation, attempt and slot where none is given. */
export interface LoggedRun {
  readonly run_id: string;
  readonly generation?: number;
  readonly attempt?: number;
  /** The writer's name, as a record's provenance has it. */
  readonly slot?: string;
}

/** A log line, and the slot that wrote it. */
export type StoredLogLine = LogLine & { readonly slot: string };

/** A store that keeps manifests, declarations, bundles, plans and outcomes. Reads give `undefined` where there is none. */
export interface ExperimentManifests {
  readManifest(experimentId: string): Promise<ExperimentManifest | undefined>;
  writeManifest(manifest: ExperimentManifest): Promise<void>;
  readDeclaration(experimentId: string, sha: string): Promise<ExperimentDeclaration | undefined>;
  /** @returns the SHA-256 of its canonical JSON, its name from then on */
  writeDeclaration(declaration: ExperimentDeclaration): Promise<string>;
  /** Ids of an experiment's submissions, oldest first. */
  submissions(experimentId: string): Promise<string[]>;
  readSubmission(experimentId: string, submission: string): Promise<SubmissionManifest | undefined>;
  writeSubmission(manifest: SubmissionManifest): Promise<void>;
  readPlan(experimentId: string, submission: string): Promise<PlanManifest | undefined>;
  readOutcome(experimentId: string, submission: string): Promise<SubmissionOutcome | undefined>;
  writeOutcome(outcome: SubmissionOutcome): Promise<void>;
}

export const hasWorkingDirectory = (store: Store): store is Store & WorkingDirectory =>
  'experimentFolder' in store;
export const hasArtifactOpen = (store: Store): store is Store & ArtifactOpen => 'openArtifact' in store;
export const hasLogListing = (store: Store): store is Store & LogListing => 'logs' in store;
export const hasExperimentManifests = (store: Store): store is Store & ExperimentManifests =>
  'readManifest' in store;
