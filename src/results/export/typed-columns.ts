import { LongText, LongTextList } from '../../storage/file/formats/long-text.js';
import type { ValueType } from '../../storage/file/formats/runs-file.js';
import type { StoredCell } from '../query/cell.js';
import { jsonText, valueTypeOf } from '../query/cell.js';
import type { Column, FieldName } from '../query/columns.js';
import { SERIES_COLUMNS, type Selection } from '../query/selection.js';

/** Types of a file's columns. Times are timestamps in UTC; lists are of text; JSON is text. */
export type FileType = 'double' | 'int' | 'boolean' | 'text' | 'texts' | 'time';

/** A column of a file whose columns have one type each. */
export interface TypedColumn {
  readonly name: string;
  readonly type: FileType;
  /** The column of the selection whose values of one type it holds; undefined: a series' name, step or value. */
  readonly of: { readonly column: Column; readonly valueType: ValueType } | undefined;
  /** Where a row of the selection has its cell. */
  readonly at: number;
}

/**
 * The columns of a file: a selection's column holds the values of its own type, values of another type are in `NAME (TYPE)`.
 * Names that differ in case alone get a number, since DuckDB takes them for one.
 *
 * @param typesOf the types of a column's values, its own first
 */
export function typedColumns(
  { columns, series }: Pick<Selection, 'columns' | 'series'>,
  typesOf: (column: Column) => readonly ValueType[],
): TypedColumn[] {
  const used = new Set<string>();
  const unused = (plain: string) => {
    let name = plain;
    for (let number = 2; used.has(name.toLowerCase()); number++) name = `${plain} (${number})`;
    used.add(name.toLowerCase());
    return name;
  };
  const own = columns.flatMap(({ column, as }, at) =>
    typesOf(column).map((valueType, index): TypedColumn => {
      const name = unused(index === 0 ? as : `${as} (${valueType})`);
      return { name, type: fileType(column, valueType), of: { column, valueType }, at };
    }),
  );
  if (!series) return own;
  const points = Object.entries(SERIES_COLUMNS).map(([as, type], index) => ({
    name: unused(as),
    type,
    of: undefined,
    at: columns.length + index,
  }));
  return [...own, ...points];
}

const TIMES: readonly FieldName[] = ['started_at', 'finished_at'];

function fileType({ source, type, whole }: Column, valueType: ValueType): FileType {
  if (source.of === 'field') {
    if (type === 'list') return 'texts';
    if (type === 'number') return source.name === 'duration_ms' ? 'double' : 'int';
    return TIMES.includes(source.name) ? 'time' : 'text';
  }
  if (valueType === 'number') return whole ? 'int' : 'double';
  return valueType === 'boolean' || valueType === 'null' ? 'boolean' : 'text';
}

/** What a typed column holds of a row's cell: null where the cell is missing or of another type. Integers are bigints. */
export function typedValue(cell: StoredCell, { type, of }: TypedColumn): unknown {
  if (cell instanceof LongText) return of?.valueType === cell.type ? cell : null;
  if (cell instanceof LongTextList) return cell.items;
  if (cell === undefined) return null;
  if (type === 'texts') return cell;
  if (of && of.column.source.of !== 'field' && valueTypeOf(cell) !== of.valueType) return null;
  if (type === 'time') return new Date(String(cell));
  if (type === 'int') return BigInt(cell as number);
  if (cell === null) return of?.valueType === 'null' ? true : null;
  return typeof cell === 'object' ? jsonText(cell) : cell;
}
