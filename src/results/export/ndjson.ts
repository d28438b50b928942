import { encodeNumber } from '../../definition/non-finite.js';
import { isLongValue, type LongValue } from '../../storage/file/formats/long-text.js';
import type { StoredCell } from '../query/cell.js';
import { linesInPieces } from './lines-in-pieces.js';

/**
 * One JSON object a row and line, in pieces, as the rows come. A missing value has no key, null is null, and numbers that are
 * not finite are as in records: `{"$numberDouble":"NaN"}`.
 */
export function toNdjson(
  columns: readonly string[],
  batches: AsyncIterable<readonly (readonly StoredCell[])[]>,
): AsyncGenerator<string, void> {
  const keys = columns.map((column) => `${JSON.stringify(column)}:`);
  const members = (row: readonly StoredCell[]) =>
    row.flatMap((cell, at): (string | Iterable<string>)[] => {
      if (cell === undefined) return [];
      return isLongValue(cell)
        ? [longMember(keys[at]!, cell)]
        : [keys[at] + JSON.stringify(encodeNumber(cell))];
    });
  return linesInPieces(batches, { before: '{', after: '}', cells: members });
}

function* longMember(key: string, text: LongValue): Generator<string, void> {
  yield key;
  yield* text.json();
}
