import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { COVERAGE_KEY, sealFile } from '../../storage/file/formats/sealed-file.js';
import {
  openSeriesFile,
  SERIES_VERSION,
  type SeriesCoverage,
  seriesSegments,
} from '../../storage/file/formats/series-file.js';
import { seriesFile, seriesFolder } from '../../storage/file/layout.js';
import { syncFolder } from '../../storage/file/sync-folder.js';
import { type Database, quoteText } from '../duckdb/database.js';
import type { LoadedRuns } from '../duckdb/load-runs.js';
import { loadSeriesPoints } from '../duckdb/series-points.js';

interface SeriesOfRuns {
  readonly folder: string;
  readonly runs: LoadedRuns;
  readonly declaration: string | null;
  /** Whether some of the runs are not current. */
  readonly older: boolean;
}

/**
 * Writes the series of the current runs to `series/series.parquet`, whole: that takes as long as reading them once from the
 * segments.
 *
 * @param of.runs all runs
 * @returns whether there was something to do
 */
export async function compactSeries(
  database: Database,
  { folder, runs, declaration, older }: SeriesOfRuns,
): Promise<boolean> {
  // Taken before they are read: points that come meanwhile may be in the file, and make it out of date.
  const series = await seriesSegments(folder);
  if (Object.keys(series).length === 0) {
    await rm(seriesFile(folder), { force: true });
    await rmdir(seriesFolder(folder)).catch(() => {});
    return false;
  }
  const origin = { declaration, records: runs.segments };
  const upToDate = await openSeriesFile(folder, origin);
  await upToDate?.close();
  if (upToDate) return false;
  const coverage: SeriesCoverage = { version: SERIES_VERSION, ...origin, series, older };
  const points = await loadSeriesPoints(database, folder, runs);
  const rows = `SELECT run_id, name, step, value FROM ${points} WHERE is_current ORDER BY "index", run_id, name, step`;
  const made = database.scratch.file('series.parquet');
  const metadata = `KV_METADATA {${quoteText(COVERAGE_KEY)}: ${quoteText(JSON.stringify(coverage))}}`;
  await database.run(`COPY (${rows}) TO ${quoteText(made)} (FORMAT parquet, COMPRESSION zstd, ${metadata})`);
  await sealFile(made);
  await mkdir(seriesFolder(folder), { recursive: true });
  await rename(made, seriesFile(folder));
  await syncFolder(seriesFolder(folder));
  return true;
}
