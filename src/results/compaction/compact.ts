import { mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { faultCode, storeFault } from '../../storage/file/faults.js';
import { runsFile, runsFolder } from '../../storage/file/layout.js';
import {
  COVERAGE_KEY,
  type Occurrence,
  type RunsCoverage,
  sealRunsFile,
} from '../../storage/file/runs-file.js';
import { syncFolder } from '../../storage/file/sync-folder.js';
import { cellRanges } from '../duckdb/cell-ranges.js';
import { CELL_ORDER } from '../duckdb/compile.js';
import { type Database, globLiteral, openDatabase, quoteText } from '../duckdb/database.js';
import { type LoadedRuns, loadRuns } from '../duckdb/load-runs.js';
import { findOccurrences } from '../duckdb/occurrences.js';
import { PLACE_COLUMNS, RECORD_LIST } from '../duckdb/record-columns.js';
import { findStatuses } from '../duckdb/statuses.js';
import { typedColumns } from './typed-columns.js';

/** What a compaction has come to, in this order. */
export const COMPACTION_STEPS = ['loaded', 'written', 'sealed', 'published'] as const;
export type CompactionStep = (typeof COMPACTION_STEPS)[number];

/** Larger groups of rows compress no better, and a group is held in memory while it is written. */
const GROUP_BYTES = 8 * 1024 * 1024;
const [MIN_GROUP, MAX_GROUP] = [2048, 16_384];
/** What is known of params and metrics is kept only where it is small beside the rows: it is read with every footer. */
const MAX_OCCURRENCES = 2000;
const LONGEST_VALUE = 256;

/**
 * Writes an experiment's final records to `runs/runs.parquet`: all that the one that is there has, and what the segments
 * have beside it. Several at once do no harm: each publishes, by one rename, rows and what they cover.
 *
 * @param folder the experiment's
 * @param scratch a folder beside the file, which this makes and removes
 * @returns how many runs the file has; null where there was nothing to add
 */
export async function compactRuns(
  folder: string,
  scratch: string,
  onStep: (step: CompactionStep) => void = () => {},
): Promise<number | null> {
  const target = runsFile(folder);
  const before = await identityOf(target);
  if (!(await makeRunsFolder(folder))) return null;
  const database = await openDatabase({ scratch, strict: true });
  let loaded: LoadedRuns | undefined;
  try {
    loaded = await loadRuns(database, folder, null);
    onStep('loaded');
    if (loaded.coverage) return null;
    const made = database.scratch.file('runs.parquet');
    const runs = await write(database, loaded, made);
    onStep('written');
    await sealRunsFile(made);
    onStep('sealed');
    // Another compaction was quicker: what it made may cover more than this one.
    if ((await identityOf(target)) !== before) return null;
    await rename(made, target);
    await syncFolder(dirname(target));
    onStep('published');
    return runs;
  } finally {
    database.close();
    await loaded?.close();
  }
}

async function write(database: Database, loaded: LoadedRuns, file: string): Promise<number> {
  const statuses = await findStatuses(database);
  const occurrences = await findOccurrences(database);
  const runs = statuses.reduce((sum, { n }) => sum + n, 0);
  const coverage: RunsCoverage = {
    version: 1,
    runs,
    segments: loaded.segments,
    ...(loaded.damaged > 0 ? { damaged: loaded.damaged } : {}),
    statuses,
    occurrences: areFew(occurrences) ? occurrences : null,
  };
  const bytes = Object.values(loaded.segments).reduce((sum, length) => sum + length, 0);
  const group = Math.min(MAX_GROUP, Math.max(MIN_GROUP, Math.round((GROUP_BYTES * runs) / (bytes + 1))));
  const metadata = `KV_METADATA {${quoteText(COVERAGE_KEY)}: ${quoteText(JSON.stringify(coverage))}}`;
  const parquet = `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${group}`;
  const ranges = await cellRanges(database, loaded);
  const copy = async (whole: 'BIGINT' | 'DOUBLE') => {
    const columns = [RECORD_LIST, ...Object.keys(PLACE_COLUMNS), ...typedColumns(occurrences, whole)];
    const sorted = (range: string) =>
      `SELECT ${columns.join(', ')} FROM runs WHERE ${range} ORDER BY ${CELL_ORDER}`;
    if (ranges.length === 1) {
      await database.run(`COPY (${sorted('true')}) TO ${quoteText(file)} (${parquet}, ${metadata})`);
      return;
    }
    const parts: string[] = [];
    for (const range of ranges) {
      const part = database.scratch.file(`part-${parts.length}.parquet`);
      parts.push(quoteText(globLiteral(part)));
      await database.run(`COPY (${sorted(range)}) TO ${quoteText(part)} (${parquet})`);
    }
    const all = `SELECT * FROM read_parquet([${parts.join(', ')}])`;
    await database.run(`COPY (${all}) TO ${quoteText(file)} (${parquet}, ${metadata})`);
  };
  await copy('BIGINT').catch((error: unknown) => {
    // A whole number beyond 64 bits: a double, as it was in JavaScript.
    if (!/Conversion Error/.test(String(error))) throw error;
    return copy('DOUBLE');
  });
  return runs;
}

const areFew = (occurrences: readonly Occurrence[]) =>
  occurrences.length <= MAX_OCCURRENCES &&
  occurrences.every(({ key, least, most }) => `${key}${least}${most}`.length <= LONGEST_VALUE);

/** Not its parents: an experiment that somebody removed must not come back in part. @returns whether it is there */
async function makeRunsFolder(folder: string): Promise<boolean> {
  try {
    await mkdir(runsFolder(folder));
  } catch (error) {
    if (faultCode(error) === 'ENOENT') return false;
    if (faultCode(error) !== 'EEXIST') throw storeFault(error, runsFolder(folder));
  }
  return true;
}

/** Which file has the name now. */
async function identityOf(path: string): Promise<string | undefined> {
  const file = await stat(path).catch(() => undefined);
  return file && `${file.ino} ${file.mtimeMs} ${file.size}`;
}
