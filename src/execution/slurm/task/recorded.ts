import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addPosition, type GrowingRanges, type PositionRange } from '../../../definition/position-range.js';
import { readEntries } from '../../../storage/file/formats/plan-entries.js';
import { scanPartHeads } from '../../../storage/file/formats/records.js';
import { segmentKindOf, segmentsFolder } from '../../../storage/file/layout.js';
import { listNames } from '../../../storage/file/list-names.js';
import type { PlanManifest } from '../../../storage/manifest.js';
import { arraySpecFile, arraysFolder, segmentPrefix } from './array-files.js';
import type { ArraySpec } from './array-spec.js';
import { overlap, tasksOf } from './blocks.js';
import { readGifts } from './gifts.js';

/**
 * The positions of a block that have no record in the spool. Reads only segments of tasks that had any of the same
 * positions: this task before a requeue, and tasks of other arrays. If each of an array's thousand tasks read what all
 * have written, the spool would be read a thousand times.
 */
export async function unrecorded(
  experiment: string,
  spec: ArraySpec,
  task: { readonly task: number; readonly restart: number },
  block: readonly PositionRange[],
  plan: PlanManifest,
): Promise<PositionRange[]> {
  const prefixes = await othersOf(experiment, spec, block);
  if (task.restart > 0) prefixes.push(segmentPrefix(spec.token, task.task));
  const cells = await recordedCells(experiment, spec.submission, prefixes);
  if (cells.size === 0) return [...block];
  const entries = readEntries(experiment, plan);
  const missing: GrowingRanges = [];
  for (const { from, to } of block) {
    let position = from;
    for await (const piece of entries.cells(from, to)) {
      for (const cell of piece) {
        if (!cells.has(cell)) addPosition(missing, position);
        position++;
      }
    }
  }
  return missing;
}

/** Prefixes of the segments of other arrays' tasks that had any of the positions. */
async function othersOf(
  experiment: string,
  spec: ArraySpec,
  block: readonly PositionRange[],
): Promise<string[]> {
  const folder = arraysFolder(experiment, spec.submission);
  const tokens = (await listNames(folder)).filter((token) => token !== spec.token);
  const prefixes = await Promise.all(
    tokens.map(async (token) => {
      const other = await readSpec(join(folder, token));
      if (!other) return [];
      const gifts = await readGifts(join(folder, token));
      const receivers = gifts.filter(({ range }) => block.some((each) => overlap(each, range)));
      const tasks = new Set([...tasksOf(other, block), ...receivers.map(({ receiver }) => receiver)]);
      return [...tasks].map((task) => segmentPrefix(token, task));
    }),
  );
  return prefixes.flat();
}

/** An array without a complete spec was never submitted: its tasks did nothing. */
async function readSpec(array: string): Promise<ArraySpec | undefined> {
  try {
    return JSON.parse(await readFile(arraySpecFile(array), 'utf8')) as ArraySpec;
  } catch {
    return undefined;
  }
}

async function recordedCells(
  experiment: string,
  submission: string,
  prefixes: readonly string[],
): Promise<ReadonlySet<number>> {
  const cells = new Set<number>();
  if (prefixes.length === 0) return cells;
  const folder = segmentsFolder(experiment, submission);
  for (const name of await listNames(folder)) {
    if (segmentKindOf(name) !== 'records' || !prefixes.some((prefix) => name.startsWith(prefix))) continue;
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
