import type { RunStatus } from '../../../definition/record.js';
import { olderRunsFile, runsFile } from '../layout.js';
import { findLost } from './coverage.js';
import { openSealed, type SealedFile } from './sealed-file.js';

/** What values a param or metric can have. NaN and the infinities are numbers. */
export type ValueType = 'number' | 'text' | 'boolean' | 'json' | 'null';
export type ValueSource = 'params' | 'metrics' | 'derived';

/** A param or metric that occurs, and the values that it has. */
export interface Occurrence {
  readonly source: ValueSource;
  readonly key: string;
  /** How many runs have a value of each type; `nonfinite` of the numbers are NaN or infinite. */
  readonly counts: { readonly [type in ValueType | 'nonfinite']?: number };
  /** Whether all its numbers are whole, and exact in 64 bits. */
  readonly whole: boolean;
  /** Whether two of its values differ. */
  readonly varies: boolean;
  /** One of its values, as text: shows whether the values of two files differ. */
  readonly sample: string;
}

/** The column that holds a param's or metric's values of one type. */
export interface ValueColumn {
  readonly source: ValueSource;
  readonly key: string;
  readonly type: ValueType;
  readonly name: string;
}

/**
 * What a file of compacted records says of itself, in its own footer: so one rename publishes rows and coverage together.
 */
export interface RunsCoverage {
  readonly version: 2;
  /** Rows of the file: final records, one a run_id. */
  readonly runs: number;
  /** How many bytes of each segment's beginning are in here or in the file of older runs, by the segment's name. */
  readonly segments: { readonly [segment: string]: number };
  /** Lines of theirs that were no records; absent where there were none. */
  readonly damaged?: number;
  /** Some of their records have many megabytes; absent where none has. */
  readonly long_lines?: true;
  /** The declaration whose cells the rows are; null: of all runs. */
  readonly declaration: string | null;
  readonly statuses: readonly StatusCount[];
  readonly occurrences: readonly Occurrence[];
  readonly columns: readonly ValueColumn[];
  /**
   * Derived metrics: the fingerprint of each derivation's code, how many bytes of the files of derived lines are in here, and
   * which derivations gave each metric (older versions did not tell them apart). Absent where there were none.
   */
  readonly derived?: {
    readonly codes: { readonly [derivation: string]: string };
    readonly metrics?: { readonly [metric: string]: readonly string[] };
    readonly files: { readonly [name: string]: number };
  };
  /** The file with the runs that are not of the declaration; null where there are none. */
  readonly older: { readonly file: string; readonly statuses: readonly StatusCount[] } | null;
}

/** How many runs of one code and context ended so. */
export interface StatusCount {
  readonly code_fingerprint: string;
  readonly context_fingerprint: string;
  readonly status: RunStatus;
  readonly n: number;
}

/** A file of compacted records, held open. */
export type RunsFile = SealedFile<RunsCoverage>;

const VERSION = 2;

interface OpenOptions {
  /** Checks the footer only, and not the rows: 1,000,000 of them take 20 ms. */
  readonly coverageOnly?: boolean;
  /** Also where segments that they cover are gone or shorter since: that is no cache of what is there. */
  readonly evenStale?: boolean;
}

/**
 * Opens an experiment's compacted records.
 *
 * @returns `undefined` where there are none, or they are torn, corrupt or stale: all that counts is in the segments
 */
export async function openRunsFile(folder: string, options: OpenOptions = {}): Promise<RunsFile | undefined> {
  const file = await openRuns(runsFile(folder), options);
  if (!file || options.evenStale) return file;
  if ((await findLost(folder, file.coverage.segments)).length === 0) return file;
  await file.close();
  return undefined;
}

/** A compaction publishes the file of older runs first, and removes the one before it last. */
const MAX_TRIES = 5;

/**
 * Opens an experiment's compacted records, and those of older runs where they are wanted.
 *
 * @param wanted whether older runs are wanted beside a file that covers this
 * @returns one file or two; none where there are none, or one of them is of no use
 */
export async function openRunsFiles(
  folder: string,
  wanted: (coverage: RunsCoverage) => boolean,
): Promise<readonly RunsFile[]> {
  for (let tries = 1; ; tries++) {
    const file = await openRunsFile(folder);
    if (!file) return [];
    const { older } = file.coverage;
    if (older === null || !wanted(file.coverage)) return [file];
    const second = await openRuns(olderRunsFile(folder, older.file));
    if (second) return [file, second];
    await file.close();
    if (tries === MAX_TRIES) return [];
  }
}

const openRuns = (path: string, options: OpenOptions = {}) =>
  openSealed<RunsCoverage>(path, { version: VERSION, coverageOnly: options.coverageOnly ?? false });

/** Reads what the compacted records cover, without checking the rows. */
export async function readCoverage(
  folder: string,
  options: Pick<OpenOptions, 'evenStale'> = {},
): Promise<RunsCoverage | undefined> {
  const file = await openRunsFile(folder, { ...options, coverageOnly: true });
  await file?.close();
  return file?.coverage;
}
