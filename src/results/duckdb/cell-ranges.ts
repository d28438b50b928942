import type { Database } from './database.js';
import type { LoadedRuns } from './load-runs.js';

/**
 * Runs are sorted so many bytes of records at a time: DuckDB holds what it sorts twice and more, and 150,000 records of
 * 1.6 KB at once did not fit into its 200 MB.
 */
const RANGE_BYTES = 16 * 1024 * 1024;

/** Conditions that divide the runs by the cells' index, in its order, into parts that can be sorted in memory. */
export async function cellRanges(database: Database, runs: LoadedRuns): Promise<string[]> {
  const bytes = Object.values(runs.segments).reduce((sum, length) => sum + length, 0);
  if (bytes <= RANGE_BYTES) return ['true'];
  const parts = Math.ceil(bytes / RANGE_BYTES);
  const rows = await database.all(`
    SELECT DISTINCT first FROM (
      SELECT min("index") AS first FROM (SELECT "index", ntile(${parts}) OVER (ORDER BY "index") AS part FROM ${runs.rows()})
      GROUP BY part
    ) WHERE first IS NOT NULL ORDER BY first`);
  const firsts = rows.map(({ first }) => Number(first));
  const ranges = firsts.map((first, at) => {
    const conditions = [
      ...(at === 0 ? [] : [`"index" >= ${first}`]),
      ...(at === firsts.length - 1 ? [] : [`"index" < ${firsts[at + 1]}`]),
    ];
    return conditions.length > 0 ? conditions.join(' AND ') : '"index" IS NOT NULL';
  });
  return [...ranges, '"index" IS NULL'];
}
