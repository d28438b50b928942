import { dirname, join } from 'node:path';
import type { RunRecord } from '../definition/record.js';
import { segmentsFolder } from '../storage/file/layout.js';
import { openLines } from '../storage/file/line-at.js';
import { openRunsFile, type RunsFile } from '../storage/file/runs-file.js';
import { scanFinalHeads } from '../storage/file/scan.js';
import { type Contender, compareContenders } from '../storage/final-record.js';
import { hasWorkingDirectory, type Store } from '../storage/store.js';
import { openDatabase, quoteText } from './duckdb/database.js';
import { RECORD_JSON } from './duckdb/record-columns.js';
import { parseRecord } from './duckdb/record-json.js';
import type { Row } from './query/rows.js';

/** A run of the store, found by the beginning of its id. */
export interface FoundRun {
  readonly run_id: string;
  readonly experiment_id: string;
  /** The one that executed it. */
  readonly submission: string;
  /** Reads its final record. */
  record(): Promise<RunRecord | undefined>;
}

type Candidate = Contender & { readonly run_id: string; record(): Promise<RunRecord | undefined> };

/**
 * The runs whose run_id begins with one of the prefixes, by run_id. Of the segments it scans heads only, once for all
 * prefixes.
 *
 * @param experiments by default all of the store
 */
export async function findRuns(
  store: Store,
  prefixes: readonly string[],
  experiments?: readonly string[],
): Promise<FoundRun[]> {
  if (!hasWorkingDirectory(store)) return [];
  const found: FoundRun[] = [];
  for (const experiment_id of experiments ?? (await store.experiments())) {
    for (const { run_id, segment, record } of await finalsOf(store.experimentFolder(experiment_id), prefixes))
      found.push({ run_id, experiment_id, submission: dirname(segment), record });
  }
  return found.sort((a, b) => (a.run_id < b.run_id ? -1 : 1));
}

async function finalsOf(folder: string, prefixes: readonly string[]): Promise<Iterable<Candidate>> {
  const finals = new Map<string, Candidate>();
  const isWanted = ({ run_id }: { readonly run_id: string }) =>
    prefixes.some((prefix) => run_id.startsWith(prefix));
  const compacted = await openRunsFile(folder);
  try {
    if (compacted) {
      for (const candidate of await findCompacted(folder, compacted, prefixes))
        finals.set(candidate.run_id, candidate);
    }
    const covered = compacted?.coverage.segments;
    const heads = await scanFinalHeads(folder, isWanted, { covered });
    for (const head of heads.values()) {
      const standing = finals.get(head.run_id);
      if (standing && compareContenders(standing, head) <= 0) continue;
      const path = join(segmentsFolder(folder), head.segment);
      finals.set(head.run_id, { ...head, record: () => readLine(path, head.offset) });
    }
  } finally {
    await compacted?.close();
  }
  return finals.values();
}

async function findCompacted(
  folder: string,
  file: RunsFile,
  prefixes: readonly string[],
): Promise<Candidate[]> {
  const keys = 'run_id, generation, status, finished_at, segment';
  const wanted = prefixes.map((prefix) => `starts_with(run_id, ${quoteText(prefix)})`).join(' OR ');
  const rows = await query(file, `SELECT ${keys} FROM runs WHERE ${wanted}`);
  return rows.map((row) => ({
    // What is covered of a segment stands before what is not.
    ...({ ...row, offset: -1 } as unknown as Contender & { readonly run_id: string }),
    record: () => readCompacted(folder, String(row.run_id)),
  }));
}

async function readCompacted(folder: string, runId: string): Promise<RunRecord | undefined> {
  const file = await openRunsFile(folder);
  if (!file) return undefined;
  try {
    const list = `${RECORD_JSON} AS record`;
    const [row] = await query(file, `SELECT ${list} FROM runs WHERE run_id = ${quoteText(runId)}`);
    return row && parseRecord(String(row.record));
  } finally {
    await file.close();
  }
}

async function query(file: RunsFile, sql: string): Promise<Row[]> {
  const database = await openDatabase();
  try {
    await database.run(`CREATE VIEW runs AS SELECT * FROM read_parquet(${quoteText(file.path)})`);
    return await database.all(sql);
  } finally {
    database.close();
  }
}

async function readLine(path: string, offset: number): Promise<RunRecord | undefined> {
  const lines = openLines<RunRecord>();
  try {
    return await lines.read(path, offset);
  } finally {
    await lines.close();
  }
}
