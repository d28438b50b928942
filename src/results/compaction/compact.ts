import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { faultCode, storeFault } from '../../storage/file/faults.js';
import type { RunsCoverage, StatusCount } from '../../storage/file/formats/runs-file.js';
import { COVERAGE_KEY, sealFile } from '../../storage/file/formats/sealed-file.js';
import { olderRunsFile, olderRunsFolder, runsFile, runsFolder } from '../../storage/file/layout.js';
import { listNames } from '../../storage/file/list-names.js';
import { syncFolder } from '../../storage/file/sync-folder.js';
import { type Origins, readOrigins } from '../current.js';
import { cellRanges } from '../duckdb/cell-ranges.js';
import { CELL_ORDER } from '../duckdb/compile.js';
import { type Database, globLiteral, openDatabase, quoteName, quoteText } from '../duckdb/database.js';
import { type LoadedRuns, loadRuns } from '../duckdb/load-runs.js';
import { PLACE_COLUMNS, RECORD_FIELD_NAMES } from '../duckdb/record-table.js';
import { findStatuses } from '../duckdb/statuses.js';
import { partKey } from '../duckdb/value-parts.js';
import { compactSeries } from './compact-series.js';
import { nameColumns } from './name-columns.js';
import { derivedAs, WIDE_LIST, writeWide } from './write-wide.js';

/** What a compaction has come to, in this order. */
export const COMPACTION_STEPS = ['loaded', 'written', 'sealed', 'published'] as const;
export type CompactionStep = (typeof COMPACTION_STEPS)[number];

/** Larger groups of rows compress no better, and a group is held in memory while it is written. */
const GROUP_BYTES = 8 * 1024 * 1024;
const [MIN_GROUP, MAX_GROUP] = [2048, 16_384];
/** DuckDB's memory does for so many params and metrics. */
const MAX_DUCKDB_COLUMNS = 256;

interface CompactOptions {
  /** The series too, after the runs. */
  readonly series?: boolean;
  readonly onStep?: (step: CompactionStep) => void;
}

/**
 * Writes an experiment's final records to `runs/runs.parquet`: all that the one that is there has, and what the segments
 * have beside it. Then its series. Several at once do no harm: each publishes, by one rename, rows and what they cover.
 *
 * @param folder the experiment's
 * @param scratch a folder beside the file, which this makes and removes
 * @returns how many runs there are; null where there was nothing to add
 */
export async function compactRuns(
  folder: string,
  scratch: string,
  { series = true, onStep = () => {} }: CompactOptions = {},
): Promise<number | null> {
  const target = runsFile(folder);
  const before = await identityOf(target);
  if (!(await makeRunsFolder(folder))) return null;
  const origins = await readOrigins(folder);
  const database = await openDatabase({ scratch });
  let loaded: LoadedRuns | undefined;
  try {
    loaded = await loadRuns(database, folder, { ...origins, all: true });
    onStep('loaded');
    const ofSeries = { folder, runs: loaded, declaration: origins.current?.declaration ?? null };
    if (isUpToDate(loaded, origins)) {
      const older = loaded.coverage?.older ?? null;
      const written = series && (await compactSeries(database, { ...ofSeries, older: older !== null }));
      return written ? loaded.coverage!.runs + sum(older?.statuses ?? []) : null;
    }
    const statuses = await findStatuses(database, loaded.rows());
    const shared = {
      version: 2,
      segments: loaded.segments,
      ...(loaded.damaged > 0 ? { damaged: loaded.damaged } : {}),
      ...(loaded.hasLongLines ? { long_lines: true as const } : {}),
      ...(Object.keys(loaded.derived.codes).length > 0 ? { derived: loaded.derived } : {}),
      declaration: ofSeries.declaration,
      columns: nameColumns(loaded.parts.values(), loaded.occurrences),
      occurrences: loaded.occurrences,
    } as const;
    const older = await publishOlder(database, loaded, folder, statuses.older, shared);
    const made = database.scratch.file('runs.parquet');
    const runs = sum(statuses.current);
    const coverage = { ...shared, runs, statuses: statuses.current, older };
    await write(database, loaded, { folder, file: made, condition: 'is_current', coverage });
    onStep('written');
    await sealFile(made);
    onStep('sealed');
    // Another compaction was quicker: what it made may cover more than this one.
    if ((await identityOf(target)) !== before) return null;
    await rename(made, target);
    await syncFolder(dirname(target));
    onStep('published');
    await removeOlder(folder, older?.file);
    if (series) await compactSeries(database, { ...ofSeries, older: older !== null });
    return runs + sum(statuses.older);
  } finally {
    database.close();
    await loaded?.close();
  }
}

const sum = (statuses: readonly StatusCount[]) => statuses.reduce((total, { n }) => total + n, 0);

/** Whether the files cover all that the segments have, and the cells of the latest declaration are apart. */
function isUpToDate({ coverage, uncovered }: LoadedRuns, { current }: Origins): boolean {
  return uncovered === 0 && coverage !== undefined && coverage.declaration === (current?.declaration ?? null);
}

type SharedCoverage = Omit<RunsCoverage, 'runs' | 'statuses' | 'older'>;

/** Runs that the latest declaration does not have are in a file of their own, which the one of the current runs names. */
async function publishOlder(
  database: Database,
  runs: LoadedRuns,
  folder: string,
  statuses: readonly StatusCount[],
  shared: SharedCoverage,
): Promise<RunsCoverage['older']> {
  if (statuses.length === 0) return null;
  const made = database.scratch.file('older-runs.parquet');
  const coverage = { ...shared, declaration: null, runs: sum(statuses), statuses, older: null };
  await write(database, runs, { folder, file: made, condition: 'NOT is_current', coverage });
  await sealFile(made);
  const file = `older-runs-${randomBytes(6).toString('hex')}.parquet`;
  await mkdir(olderRunsFolder(folder), { recursive: true });
  await rename(made, olderRunsFile(folder, file));
  await syncFolder(olderRunsFolder(folder));
  return { file, statuses };
}

/** Removes the files of older runs that no file names any more. */
async function removeOlder(folder: string, kept: string | undefined): Promise<void> {
  for (const name of await listNames(olderRunsFolder(folder)))
    if (name !== kept) await rm(olderRunsFile(folder, name), { force: true });
  if (kept === undefined) await rmdir(olderRunsFolder(folder)).catch(() => {});
}

interface Part {
  readonly folder: string;
  readonly file: string;
  readonly condition: 'is_current' | 'NOT is_current';
  readonly coverage: RunsCoverage;
}

async function write(
  database: Database,
  runs: LoadedRuns,
  { folder, file, condition, coverage }: Part,
): Promise<void> {
  const ranges = await cellRanges(database, runs);
  if (coverage.columns.length > MAX_DUCKDB_COLUMNS || runs.hasLongLines) {
    const derived = new Map(
      coverage.columns.flatMap((column, at) =>
        column.source === 'derived' ? [[partKey(column), derivedAs(at)] as const] : [],
      ),
    );
    const list = [...WIDE_LIST.map(quoteName), ...derived.values()].join(', ');
    const queries = ranges.map(
      (range) =>
        `SELECT ${list} FROM ${runs.rows(derived)} WHERE ${condition} AND ${range} ORDER BY ${CELL_ORDER}`,
    );
    return writeWide(database, { folder, file, coverage, queries });
  }
  const bytes = Object.values(runs.segments).reduce((sum, length) => sum + length, 0);
  const rows = coverage.runs;
  const byBytes = Math.round((GROUP_BYTES * rows) / (bytes + 1));
  const group = Math.min(MAX_GROUP, Math.max(MIN_GROUP, byBytes));
  const metadata = `KV_METADATA {${quoteText(COVERAGE_KEY)}: ${quoteText(JSON.stringify(coverage))}}`;
  const parquet = `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${group}`;
  const names = new Map(coverage.columns.map((column, index) => [partKey(column), `p${index}`]));
  const wholes = new Set(
    coverage.occurrences.filter(({ whole }) => whole).map(({ source, key }) => `number ${source}.${key}`),
  );
  const columns = [
    ...recordList(),
    ...coverage.columns.map((column, index) => {
      const value = wholes.has(partKey(column)) ? `CAST(p${index} AS BIGINT)` : `p${index}`;
      return `${value} AS ${quoteName(column.name)}`;
    }),
  ];
  const sorted = (range: string) =>
    `SELECT ${columns.join(', ')} FROM ${runs.rows(names)} WHERE ${condition} AND ${range} ORDER BY ${CELL_ORDER}`;
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
  for (const part of parts) await rm(part.slice(1, -1), { force: true });
}

/** What a file has beside params and metrics. Times are timestamps with a zone, lists are lists. */
function recordList(): string[] {
  return [...RECORD_FIELD_NAMES, ...Object.keys(PLACE_COLUMNS)].map((name) => {
    const column = quoteName(name);
    if (name === 'started_at' || name === 'finished_at') return `CAST(${column} AS TIMESTAMPTZ) AS ${column}`;
    if (name === 'tags' || name === 'warnings' || name === 'notes')
      return `CAST(CAST(${column} AS JSON) AS VARCHAR[]) AS ${column}`;
    return column;
  });
}

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
