import { encodeNumber } from '../../definition/non-finite.js';
import type { Cell } from '../query/cell.js';

/**
 * One JSON object a row and line, in pieces, as the rows come. A missing value has no key, null is null, and numbers that are
 * not finite are as in records: `{"$numberDouble":"NaN"}`.
 */
export async function* toNdjson(
  columns: readonly string[],
  batches: AsyncIterable<readonly (readonly Cell[])[]>,
): AsyncGenerator<string, void> {
  const keys = columns.map((column) => `${JSON.stringify(column)}:`);
  const members = (row: readonly Cell[]) =>
    row.flatMap((cell, at) => (cell === undefined ? [] : [keys[at] + JSON.stringify(encodeNumber(cell))]));
  for await (const rows of batches) yield rows.map((row) => `{${members(row).join(',')}}\n`).join('');
}
