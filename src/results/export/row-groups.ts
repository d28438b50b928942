import { isLongValue } from '../../storage/file/formats/long-text.js';
import { sizeOf } from './json-pieces.js';

/** Of a group of rows, which is held in memory. */
const GROUP_CELLS = 200_000;
const GROUP_BYTES = 16 << 20;
/** A file describes every column of every group. */
const MIN_GROUP_ROWS = 256;

/** Rows in groups, as a file with so many columns has them. */
export async function* rowGroups<T>(
  batches: AsyncIterable<readonly T[]>,
  columns: number,
  bytesOf: (row: T) => number,
): AsyncGenerator<readonly T[], void> {
  const most = Math.max(MIN_GROUP_ROWS, Math.ceil(GROUP_CELLS / columns));
  let group: T[] = [];
  let bytes = 0;
  for await (const rows of batches)
    for (const row of rows) {
      group.push(row);
      bytes += bytesOf(row);
      if (group.length < most && bytes < GROUP_BYTES) continue;
      yield group;
      group = [];
      bytes = 0;
    }
  if (group.length > 0) yield group;
}

/** About how much memory a row's texts, lists and objects take. */
export function bytesOfCells(row: readonly unknown[]): number {
  let bytes = 0;
  for (const cell of row) {
    if (typeof cell === 'string') bytes += cell.length;
    else if (isLongValue(cell)) bytes += cell.size;
    else if (typeof cell === 'object' && cell !== null) bytes += sizeOf(cell, GROUP_BYTES);
  }
  return bytes;
}
