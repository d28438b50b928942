import { dirname, join } from 'node:path';
import type { RunRecord } from '../definition/record.js';
import { hasWorkingDirectory } from '../storage/capabilities.js';
import { openRecords } from '../storage/file/formats/long-record.js';
import { scanFinalHeads } from '../storage/file/formats/records.js';
import { openRunsFiles, type RunsFile } from '../storage/file/formats/runs-file.js';
import { segmentsFolder } from '../storage/file/layout.js';
import { type Contender, compareContenders } from '../storage/final-record.js';
import type { ResultsStore } from '../storage/store.js';
import { openDatabase, quoteText } from './duckdb/database.js';
import { openRuns } from './open-runs.js';

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
  store: ResultsStore,
  prefixes: readonly string[],
  experiments?: readonly string[],
): Promise<FoundRun[]> {
  const found: FoundRun[] = [];
  for (const experiment_id of experiments ?? (await store.experiments())) {
    const runs = await openRuns(store, experiment_id, prefixes);
    for (const { run_id, segment, record } of await finalsOf(runs.folder, prefixes)) {
      const place = { run_id, experiment_id, submission: dirname(segment) };
      if (hasWorkingDirectory(store)) found.push({ ...place, record });
      else {
        // The copy is removed: it has few runs.
        const copied = await record();
        found.push({ ...place, record: async () => copied });
      }
    }
    runs.close();
  }
  return found.sort((a, b) => (a.run_id < b.run_id ? -1 : 1));
}

async function finalsOf(folder: string, prefixes: readonly string[]): Promise<Iterable<Candidate>> {
  const finals = new Map<string, Candidate>();
  const isWanted = ({ run_id }: { readonly run_id: string }) =>
    prefixes.some((prefix) => run_id.startsWith(prefix));
  const compacted = await openRunsFiles(folder, () => true);
  try {
    for (const file of compacted) {
      for (const candidate of await findCompacted(folder, file, prefixes))
        finals.set(candidate.run_id, candidate);
    }
    const covered = compacted[0]?.coverage.segments;
    const heads = await scanFinalHeads(folder, isWanted, { covered });
    for (const head of heads.values()) {
      const standing = finals.get(head.run_id);
      if (standing && compareContenders(standing, head) <= 0) continue;
      finals.set(head.run_id, { ...head, record: () => readLine(folder, head) });
    }
  } finally {
    for (const file of compacted) await file.close();
  }
  return finals.values();
}

async function findCompacted(
  folder: string,
  { path }: RunsFile,
  prefixes: readonly string[],
): Promise<Candidate[]> {
  const finished = `strftime(make_timestamp(epoch_us(finished_at)), '%Y-%m-%dT%H:%M:%S.%gZ') AS finished_at`;
  const keys = `run_id, generation, status, ${finished}, segment, segment_offset AS "offset"`;
  const wanted = prefixes.map((prefix) => `starts_with(run_id, ${quoteText(prefix)})`).join(' OR ');
  const database = await openDatabase();
  try {
    const rows = await database.all(`SELECT ${keys} FROM read_parquet(${quoteText(path)}) WHERE ${wanted}`);
    return rows.map((row) => {
      const found = row as unknown as Contender & { readonly run_id: string };
      return { ...found, record: () => readLine(folder, found) };
    });
  } finally {
    database.close();
  }
}

async function readLine(
  folder: string,
  { segment, offset }: Pick<Contender, 'segment' | 'offset'>,
): Promise<RunRecord | undefined> {
  const lines = openRecords();
  try {
    return await lines.read(join(segmentsFolder(folder), segment), offset);
  } finally {
    await lines.close();
  }
}
