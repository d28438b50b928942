import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { fromUtf8, type Serializer, utf8 } from './serializer.js';

/**
 * Rows as CSV (RFC 4180, UTF-8, a header line if rows are objects): an array of objects or of arrays, their cells
 * null, numbers, strings and booleans. Columns are all keys of all rows, in the order of their first use. Read back, it is rows
 * of texts, the header line among them.
 */
export const csv: Serializer = {
  name: 'csv',
  accepts: (value) =>
    Array.isArray(value) && value.length > 0 && (value.every(isTuple) || value.every(isRow)),
  serialize: (value) => utf8(write(value as readonly Row[])),
  // Which line is a header, and what is a number, the file does not say.
  deserialize: (bytes) => parse(fromUtf8(bytes)),
};

type Row = readonly unknown[] | { readonly [column: string]: unknown };

function write(rows: readonly Row[]): string {
  const [first] = rows;
  // Keys are names: csv-stringify, given objects, would read `a.b` as b within a.
  const table =
    first === undefined || Array.isArray(first)
      ? rows
      : withHeader(rows as readonly { readonly [column: string]: unknown }[]);
  return stringify([...table], { cast: { boolean: String } });
}

function withHeader(rows: readonly { readonly [column: string]: unknown }[]): unknown[][] {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return [columns, ...rows.map((row) => columns.map((column) => row[column]))];
}

const isCell = (value: unknown) =>
  value === null || value === undefined || ['number', 'string', 'boolean'].includes(typeof value);
const isTuple = (row: unknown) => Array.isArray(row) && row.every(isCell);
const isRow = (row: unknown) =>
  typeof row === 'object' && row !== null && !Array.isArray(row) && Object.values(row).every(isCell);
