import type { RunStatus } from '../definition/record.js';
import { listUncovered, wholeLines } from '../storage/file/formats/coverage.js';
import { scanRecordHeads } from '../storage/file/formats/records.js';
import { readCoverage, type StatusCount } from '../storage/file/formats/runs-file.js';
import { readSubmissions } from '../storage/file/submissions.js';
import type { ResultsStore } from '../storage/store.js';
import { isCurrent, type Origins, readOrigins } from './current.js';
import { openDatabase } from './duckdb/database.js';
import { loadRuns } from './duckdb/load-runs.js';
import { findStatuses } from './duckdb/statuses.js';
import { openRuns } from './open-runs.js';
import { StatusTable } from './status-table.js';

/** What a list of experiments says of one. */
export interface ExperimentSummary {
  readonly experiment_id: string;
  readonly description: string | null;
  /** Cells of the latest declaration. */
  readonly cells: number | null;
  /** Runs of the latest code and context, by the status of their final record. */
  readonly runs: { readonly [status in RunStatus]: number };
  /** Runs of older code or context. */
  readonly older: number;
  /** Lines of the segments that are left out, since they are no records; `metalab store check` names them. */
  readonly damaged: number;
  readonly submissions: number;
  readonly last_submitted_at: string | null;
}

/** Every experiment of the store, the one submitted last first. */
export async function summarizeExperiments(store: ResultsStore): Promise<ExperimentSummary[]> {
  const summaries: ExperimentSummary[] = [];
  for (const experimentId of await store.experiments()) summaries.push(await summarize(store, experimentId));
  const when = ({ last_submitted_at }: ExperimentSummary) => last_submitted_at ?? '';
  return summaries.sort((a, b) => (when(a) === when(b) ? 0 : when(a) > when(b) ? -1 : 1));
}

async function summarize(store: ResultsStore, experimentId: string): Promise<ExperimentSummary> {
  const manifest = await store.readManifest(experimentId);
  const { folder, close } = await openRuns(store, experimentId);
  try {
    return {
      experiment_id: experimentId,
      description: manifest?.description ?? null,
      cells: manifest?.totals.cells ?? null,
      ...(await countRuns(folder)),
      submissions: (await readSubmissions(folder)).length,
      last_submitted_at: manifest?.submitted_at ?? null,
    };
  } finally {
    close();
  }
}

type RunCounts = Pick<ExperimentSummary, 'runs' | 'older' | 'damaged'>;

/**
 * From what the compacted records say of themselves, where they cover all. DuckDB is loaded only where they cover a part, or
 * cells must be compared.
 */
async function countRuns(folder: string): Promise<RunCounts> {
  const origins = await readOrigins(folder);
  const { current } = origins;
  const coverage = await readCoverage(folder);
  if (coverage && coverage.declaration === (current?.declaration ?? null)) {
    const uncovered = await wholeLines(await listUncovered(folder, coverage.segments));
    if (uncovered.length === 0)
      return {
        runs: countByStatus(coverage.statuses),
        older: (coverage.older?.statuses ?? []).reduce((sum, { n }) => sum + n, 0),
        damaged: coverage.damaged ?? 0,
      };
  }
  if (coverage || (current && current.otherCells.length > 0)) return queryCounts(folder, origins);
  const table = new StatusTable();
  let damaged = 0;
  await scanRecordHeads(folder, (head) => table.add(head, current !== null && !isCurrent(head, current)), {
    onCorrupt: () => damaged++,
  });
  return { ...table.counts(), damaged };
}

async function queryCounts(folder: string, origins: Origins): Promise<RunCounts> {
  const database = await openDatabase();
  try {
    const loaded = await loadRuns(database, folder, { ...origins, all: true });
    const statuses = await findStatuses(database, loaded.rows());
    await loaded.close();
    return {
      runs: countByStatus(statuses.current),
      older: statuses.older.reduce((sum, { n }) => sum + n, 0),
      damaged: loaded.damaged,
    };
  } finally {
    database.close();
  }
}

function countByStatus(statuses: readonly StatusCount[]): { readonly [status in RunStatus]: number } {
  const runs = { success: 0, failed: 0, cancelled: 0 };
  for (const { status, n } of statuses) runs[status] += n;
  return runs;
}
