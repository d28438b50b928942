import type { JsonValue } from '../../definition/json.js';
import type { ValueType } from '../../storage/file/formats/runs-file.js';
import type { Cell, Row } from '../query/cell.js';
import type { Column } from '../query/columns.js';
import type { Part } from './compile.js';

/** What a part of a field holds, as a table has it. */
export const fieldCell = ({ type }: Column, cell: Cell): Cell =>
  type === 'list' && typeof cell === 'string' ? JSON.parse(cell) : cell;

const partName = (index: number, type: ValueType) => `c${index}_${type}`;

/**
 * The parts of a column, as a query's list has them.
 *
 * @param longest longer texts are cut
 */
export const listParts = (parts: readonly Part[], index: number, longest?: number): string[] =>
  parts.length === 0
    ? [`NULL AS ${partName(index, 'null')}`]
    : parts.map(({ type, sql }) => {
        const cut = type === 'text' && longest !== undefined ? `left(${sql}, ${longest})` : sql;
        return `${cut} AS ${partName(index, type)}`;
      });

/** Of a row by column. */
export function readCell(row: Row, index: number, parts: readonly Part[], name = partName): Cell {
  for (const { type } of parts) {
    const value = row[name(index, type)];
    if (value !== null && value !== undefined) return partCell(type, value);
  }
  return undefined;
}

/**
 * Of a row in the order of the list.
 *
 * @param places where it has the values of each type
 */
export function cellAt(
  row: readonly Cell[],
  places: readonly { readonly type: ValueType; readonly at: number }[],
): Cell {
  for (const { type, at } of places) {
    const value = row[at];
    if (value !== null && value !== undefined) return partCell(type, value);
  }
  return undefined;
}

function partCell(type: ValueType, value: JsonValue): Cell {
  if (type === 'null') return null;
  return type === 'json' ? (JSON.parse(String(value)) as JsonValue) : value;
}
