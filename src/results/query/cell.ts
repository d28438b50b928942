import type { JsonValue } from '../../definition/json.js';
import { isLongValue, type LongValue } from '../../storage/file/formats/long-text.js';
import type { ValueType } from '../../storage/file/formats/runs-file.js';

/** A value of a table: `undefined` where the run has none, `null` where it has null. Metrics may be NaN or infinite. */
export type Cell = JsonValue | undefined;
export type Row = { readonly [column: string]: Cell };

/** A cell whose text may have been left where it stands. */
export type StoredCell = Cell | LongValue;

/** The cell with all of its text. @param longest to how many characters it is cut */
export function wholeCell(cell: StoredCell, longest?: number): Cell {
  if (isLongValue(cell)) return longest === undefined ? cell.value() : cell.cut(longest);
  return typeof cell === 'string' && longest !== undefined ? cell.slice(0, longest) : cell;
}

export function valueTypeOf(value: JsonValue): ValueType {
  if (value === null) return 'null';
  if (typeof value === 'number' || typeof value === 'boolean') return typeof value as ValueType;
  return typeof value === 'string' ? 'text' : 'json';
}

/** Lists and objects as text that is the same for equal ones: without spaces, keys in order. */
export function jsonText(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  const entries = Object.entries(value as { [key: string]: JsonValue });
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, item]) => `${JSON.stringify(key)}:${jsonText(item)}`).join(',')}}`;
}
