import { join } from 'node:path';

/**
 * Where everything is in a file store. An experiment's folder is `name@version`: `:` can't be in a file's name
 * everywhere, and rsync takes it for a host. Names and versions hold no `@`, so the id can be read back.
 */
export const folderOf = (experimentId: string) => experimentId.replace(':', '@');
export const experimentIdOf = (folder: string) => folder.replace('@', ':');

export const storeFile = (root: string) => join(root, 'store.json');
export const leaseFile = (root: string) => join(root, 'lease.json');
export const manifestFile = (folder: string) => join(folder, 'experiment.json');
export const declarationFile = (folder: string, sha: string) => join(folder, 'declarations', `${sha}.json`);
/** Two files: `operation.mjs` and its source map. */
export const bundleFolder = (folder: string, sha: string) => join(folder, 'bundles', sha);
export const bundleFile = (folder: string, sha: string) => join(bundleFolder(folder, sha), 'operation.mjs');
/** The compacted records, one file: see `runs-file.ts`. Beside it, hidden, what compactions in progress write. */
export const runsFolder = (folder: string) => join(folder, 'runs');
export const runsFile = (folder: string) => join(runsFolder(folder), 'runs.parquet');
/** Compacted records of runs that the latest declaration does not have. */
export const olderRunsFolder = (folder: string) => join(folder, 'older-runs');
export const olderRunsFile = (folder: string, file: string) => join(olderRunsFolder(folder), file);
/** Derived metrics that were computed after their runs: `{name}.json` of each derivation, and files of lines as in segments. */
export const derivedFolder = (folder: string) => join(folder, 'derived');
export const derivationFile = (folder: string, name: string) => join(derivedFolder(folder), `${name}.json`);
/** The compacted series of the latest declaration's runs, one file: see `series-file.ts`. */
export const seriesFolder = (folder: string) => join(folder, 'series');
export const seriesFile = (folder: string) => join(seriesFolder(folder), 'series.parquet');
/** Large artifacts, each a file named by its SHA-256. */
export const artifactsFolder = (folder: string) => join(folder, 'artifacts');
/** Small artifacts, many to a file: see `pack.ts`. Not in `artifacts/`, where older versions remove what they don't know. */
export const packsFolder = (folder: string, submission?: string) => join(folder, 'packs', submission ?? '');
/** @param number of the pack among those of its writer, from 0 */
export const packName = (writer: string, number: number) => `${writer}.${number}.pack`;

export const submissionFolder = (folder: string, submission: string) =>
  join(folder, 'submissions', submission);
export const submissionFile = (folder: string, submission: string) =>
  join(submissionFolder(folder, submission), 'submission.json');
export const planFile = (folder: string, submission: string) =>
  join(submissionFolder(folder, submission), 'plan.json');
/** @param plan of the submission: the file has another name where two workers planned at once */
export const planEntriesFile = (
  folder: string,
  plan: { readonly submission: string; readonly entries_file?: string },
) => join(submissionFolder(folder, plan.submission), plan.entries_file ?? 'plan.bin');
/** Empty: says that a workflow has the submission, or had it. */
export const enqueuedFile = (folder: string, submission: string) =>
  join(submissionFolder(folder, submission), 'enqueued');
export const outcomeFile = (folder: string, submission: string) =>
  join(submissionFolder(folder, submission), 'outcome.json');
/** Values of the environment variables that runs see: mode 0600, deleted when the submission ends. */
export const environmentFile = (folder: string, submission: string) =>
  join(submissionFolder(folder, submission), 'env.json');
export const liveFolder = (folder: string, submission: string) =>
  join(submissionFolder(folder, submission), 'live');
/** What Slurm kept of stdout and stderr of an array's tasks. */
export const slurmOutputFile = (folder: string, submission: string, job: string) =>
  join(submissionFolder(folder, submission), 'slurm-out', `${job}.out`);
/** Touched while somebody watches logs of the submission's runs. */
export const followedFile = (folder: string, submission: string) =>
  join(liveFolder(folder, submission), 'followed');

/**
 * Segments of one submission. `records` are `{writer}.ndjson`; beside them `series-{writer}.ndjson`, `data-…`,
 * `logs-…` and `derived-…`. The writer is `{host}-{pid}-{random}`: one process, created exclusively.
 */
export const segmentsFolder = (folder: string, submission?: string) =>
  join(folder, 'segments', submission ?? '');
export type SegmentKind = 'records' | 'series' | 'data' | 'logs' | 'derived';
export const segmentName = (kind: SegmentKind, writer: string) =>
  kind === 'records' ? `${writer}.ndjson` : `${kind}-${writer}.ndjson`;
export const segmentKindOf = (name: string): SegmentKind | undefined =>
  !name.endsWith('.ndjson')
    ? undefined
    : ((/^(series|data|logs|derived)-/.exec(name)?.[1] as SegmentKind | undefined) ?? 'records');
/** The writer of a segment, by the segment's name or its file's. */
export const writerOf = (name: string): string =>
  name.slice(name.lastIndexOf('/') + 1).replace(/^(?:series|data|logs|derived)-|\.ndjson$/g, '');
