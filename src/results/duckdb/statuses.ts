import type { RunStatus } from '../../definition/record.js';
import type { StatusCount } from '../../storage/file/formats/runs-file.js';
import type { Database } from './database.js';

/** How many runs ended how, by code and context: those of the latest declaration, and others. */
export interface StatusCounts {
  readonly current: readonly StatusCount[];
  readonly older: readonly StatusCount[];
}

/** @param runs a subquery of `LoadedRuns` */
export async function findStatuses(database: Database, runs: string): Promise<StatusCounts> {
  const keys = 'is_current, code_fingerprint, context_fingerprint, status';
  const rows = await database.all(`SELECT ${keys}, count(*) AS n FROM ${runs} GROUP BY ALL ORDER BY ALL`);
  const counts = (current: boolean) =>
    rows
      .filter(({ is_current }) => is_current === current)
      .map(({ code_fingerprint, context_fingerprint, status, n }) => ({
        code_fingerprint: String(code_fingerprint),
        context_fingerprint: String(context_fingerprint),
        status: status as RunStatus,
        n: Number(n),
      }));
  return { current: counts(true), older: counts(false) };
}
