import type { RunStatus } from '../../definition/record.js';
import type { StatusCount } from '../../storage/file/runs-file.js';
import type { Database } from './database.js';

/** How many of the view `runs` ended how, by code and context. */
export async function findStatuses(database: Database): Promise<StatusCount[]> {
  const rows = await database.all(
    'SELECT code_fingerprint, context_fingerprint, status, count(*) AS n FROM runs GROUP BY ALL ORDER BY ALL',
  );
  return rows.map(({ code_fingerprint, context_fingerprint, status, n }) => ({
    code_fingerprint: String(code_fingerprint),
    context_fingerprint: String(context_fingerprint),
    status: status as RunStatus,
    n: Number(n),
  }));
}
