import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { MeanCounter } from '../../definition/mean-counter.js';
import type { Objective } from '../../definition/objective.js';
import type { RunRecord } from '../../definition/record.js';
import { DigestCounter } from '../../definition/run-digest.js';
import type { ChunkReport } from '../../runner/protocol/protocol.js';
import { readObjects } from '../../storage/file/formats/segments.js';
import { segmentName, segmentsFolder } from '../../storage/file/layout.js';

/**
 * Reads what a slot recorded between its last message and its death, and syncs it to disk. These runs are finished and
 * never executed again.
 *
 * @param from the segment's length at that message, bytes
 */
export async function readRecordedTail(
  place: { readonly folder: string; readonly submission: string; readonly writer: string },
  from: number,
  objective?: Objective,
): Promise<Omit<ChunkReport, 'next'>> {
  const counts = { success: 0, failed: 0, cancelled: 0, busy_ms: 0 };
  const means = new MeanCounter();
  const digest = new DigestCounter(objective);
  const folder = segmentsFolder(place.folder, place.submission);
  for (const kind of ['logs', 'series', 'data', 'derived', 'records'] as const)
    sync(join(folder, segmentName(kind, place.writer)));
  const path = join(folder, segmentName('records', place.writer));
  for await (const { object: record } of readObjects<RunRecord>(path, { from })) {
    counts[record.status]++;
    counts.busy_ms += record.duration_ms;
    if (record.status === 'success') means.add(record.metrics);
    digest.add(record.index, record.status, record.metrics, record.error);
  }
  return { ...counts, means: means.toMeans(), digest: digest.toDigest() };
}

function sync(path: string): void {
  if (!existsSync(path)) return;
  const fd = openSync(path, 'r');
  fsyncSync(fd);
  closeSync(fd);
}
