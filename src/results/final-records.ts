import { join } from 'node:path';
import type { RunRecord } from '../definition/record.js';
import { segmentsFolder } from '../storage/file/layout.js';
import { openLines } from '../storage/file/line-at.js';
import { scanFinalHeads } from '../storage/file/scan.js';
import type { Row } from './database.js';
import type { Current } from './load-runs.js';

/** Records by their run_ids' order: each is read at its place in its segment. */
export async function* finalRecords(
  folder: string,
  current: Current | null,
  order: AsyncIterable<readonly Row[]>,
): AsyncGenerator<RunRecord, void> {
  const heads = await scanFinalHeads(folder, current ? (head) => isCurrent(head, current) : undefined);
  const lines = openLines<RunRecord>();
  try {
    for await (const batch of order) {
      for (const { run_id } of batch) {
        const head = heads.get(String(run_id));
        const record = head && (await lines.read(join(segmentsFolder(folder), head.segment), head.offset));
        if (record) yield record;
      }
    }
  } finally {
    await lines.close();
  }
}

export const isCurrent = (
  record: Pick<RunRecord, 'code_fingerprint' | 'context_fingerprint'>,
  current: Current,
): boolean =>
  record.code_fingerprint === current.code_fingerprint &&
  record.context_fingerprint === current.context_fingerprint;
