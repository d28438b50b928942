import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  addPosition,
  type GrowingRanges,
  type PositionRange,
  sliceRanges,
} from '../../../definition/position-range.js';
import { readEntries } from '../../../storage/file/formats/plan-entries.js';
import { scanPartHeads } from '../../../storage/file/formats/records.js';
import { segmentKindOf, segmentsFolder } from '../../../storage/file/layout.js';
import { listNames } from '../../../storage/file/list-names.js';
import { readSubmissionPlan } from '../../../storage/file/submission-file.js';
import { segmentPrefix, taskLiveFile } from './array-files.js';
import type { ArraySpec, TaskLive } from './array-spec.js';
import type { TaskIdentity } from './task-identity.js';

/**
 * What a task held when Slurm ended it and put it back into its queue, without what is recorded. Nobody else does it.
 * Reads only segments of the task itself.
 */
export async function heldBefore(
  experiment: string,
  array: string,
  spec: ArraySpec,
  { task, restart }: TaskIdentity,
): Promise<PositionRange[]> {
  if (restart === 0) return [];
  const held = await readHeld(taskLiveFile(array, task));
  if (held.length === 0) return [];
  const recorded = await recordedCells(experiment, spec.submission, segmentPrefix(spec.token, task));
  const entries = readEntries(experiment, await readSubmissionPlan(experiment, spec.submission));
  const missing: GrowingRanges = [];
  for (const { from, to } of held) {
    let at = from;
    for (const range of sliceRanges(spec.ranges, from, to))
      for await (const cells of entries.cells(range.from, range.to))
        for (const cell of cells) {
          if (!recorded.has(cell)) addPosition(missing, at);
          at++;
        }
  }
  return missing;
}

/** A task that was ended before it wrote the file held nothing. */
async function readHeld(path: string): Promise<readonly PositionRange[]> {
  try {
    return (JSON.parse(await readFile(path, 'utf8')) as TaskLive).holds ?? [];
  } catch {
    return [];
  }
}

async function recordedCells(
  experiment: string,
  submission: string,
  prefix: string,
): Promise<ReadonlySet<number>> {
  const cells = new Set<number>();
  const folder = segmentsFolder(experiment, submission);
  for (const name of await listNames(folder)) {
    if (segmentKindOf(name) !== 'records' || !name.startsWith(prefix)) continue;
    const part = {
      segment: `${submission}/${name}`,
      path: join(folder, name),
      from: 0,
      to: Number.POSITIVE_INFINITY,
    };
    await scanPartHeads(part, ({ index }) => cells.add(index), { whole: false });
  }
  return cells;
}
