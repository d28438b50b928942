import { join } from 'node:path';
import type { RunRecord } from '../definition/record.js';
import { segmentsFolder } from '../storage/file/layout.js';
import { openLines } from '../storage/file/line-at.js';
import { scanFinalHeads } from '../storage/file/scan.js';
import { hasWorkingDirectory, type Store } from '../storage/store.js';

/** A run of the store, found by the beginning of its id. */
export interface FoundRun {
  readonly run_id: string;
  readonly experiment_id: string;
  /** Reads its final record. */
  record(): Promise<RunRecord | undefined>;
}

/** The runs of all experiments whose run_id begins with the prefix, by run_id. Scans heads only. */
export async function findRuns(store: Store, prefix: string): Promise<FoundRun[]> {
  if (!hasWorkingDirectory(store)) return [];
  const found: FoundRun[] = [];
  for (const experimentId of await store.experiments()) {
    const folder = store.experimentFolder(experimentId);
    const heads = await scanFinalHeads(folder, (head) => head.run_id.startsWith(prefix));
    for (const head of heads.values()) {
      found.push({
        run_id: head.run_id,
        experiment_id: experimentId,
        record: () => readRecord(join(segmentsFolder(folder), head.segment), head.offset),
      });
    }
  }
  return found.sort((a, b) => (a.run_id < b.run_id ? -1 : 1));
}

async function readRecord(path: string, offset: number): Promise<RunRecord | undefined> {
  const lines = openLines<RunRecord>();
  try {
    return await lines.read(path, offset);
  } finally {
    await lines.close();
  }
}
