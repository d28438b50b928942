import type { ArtifactDescriptor, LogLine } from '../definition/record.js';
import type { LoggedRun } from './file/formats/logs.js';
import type { ExperimentManifest } from './manifest.js';

/**
 * Where experiments are. What a store can do beyond listing them is known by the capabilities that it implements; `capabilities.ts`
 * has a guard for each.
 */
export interface Store {
  /** What `--store` takes to open it again. Never holds a password. */
  readonly uri: string;
  /** Ids of the experiments that have a manifest, sorted. */
  experiments(): Promise<string[]>;
}

/** A folder that sweeps, checks and compaction work in: see ARCHITECTURE.md for its files. */
export interface WorkingDirectory {
  readonly root: string;
  experimentFolder(experimentId: string): string;
}

/** Reads the bytes of artifacts. */
export interface ArtifactOpen {
  openArtifact(
    experimentId: string,
    artifact: ArtifactDescriptor,
  ): Promise<AsyncIterable<Uint8Array | string>>;
}

/** Gives the log lines of runs. */
export interface LogListing {
  /** Attempt by attempt, each in the order it was written. */
  logs(experimentId: string, run: LoggedRun): AsyncIterable<LogLine>;
}

/** Names the files that log lines are appended to. */
export interface LogPath {
  logFiles(experimentId: string): Promise<string[]>;
}

/** Some text of a file of an experiment. */
export interface FileText {
  /** Relative to the experiment's folder in a file store: `segments/{submission}/{writer}.ndjson`. */
  readonly path: string;
  readonly text: string;
}

/** What an experiment declared and how its submissions ended. */
export interface ExperimentManifests {
  readManifest(experimentId: string): Promise<ExperimentManifest | undefined>;
  /** The files that queries need: `experiment.json`, those of submissions, declarations and derivations. */
  manifests(experimentId: string): AsyncIterable<FileText>;
}

export type LineKind = 'records' | 'derived' | 'series' | 'data';

/** What runs came to, as lines in the formats of a file store. */
export interface StructuredResults {
  /**
   * Whole lines, some at a time. All that can be final records are among them; lines that are no records are given too,
   * whatever they hold, since readers count them.
   *
   * @param runs beginnings of run_ids: only lines of these runs are needed
   */
  lines(experimentId: string, kind: LineKind, runs?: readonly string[]): AsyncIterable<FileText>;
}

/** A store whose results can be queried. */
export type ResultsStore = Store & ExperimentManifests & StructuredResults;
