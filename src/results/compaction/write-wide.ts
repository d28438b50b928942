import type { ParquetWriter } from 'hyparquet-writer';
import type { RunRecord } from '../../definition/record.js';
import { COVERAGE_KEY, type RunsCoverage, type ValueColumn } from '../../storage/file/formats/runs-file.js';
import type { Database } from '../duckdb/database.js';
import { PLACE_COLUMNS, RECORD_FIELD_NAMES, RECORD_FIELDS } from '../duckdb/record-table.js';
import { rowsWithRecords } from '../duckdb/rows-with-records.js';
import { partValue } from '../duckdb/value-parts.js';
import type { Row } from '../query/cell.js';

/** Of a group of rows, which is held in memory. */
const GROUP_CELLS = 200_000;
/** The footer describes every column of every group. */
const MIN_GROUP_ROWS = 256;

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

/** What is written: the file's columns beside those of values are the fields of records. */
export interface WideFile {
  readonly folder: string;
  readonly file: string;
  readonly coverage: RunsCoverage;
  /** Queries for fields and places of the rows, in their order, and for derived metrics by {@link derivedAs}. */
  readonly queries: readonly string[];
}

/**
 * Writes records with hundreds of params and metrics to a Parquet file. DuckDB holds 2,048 rows of every column several
 * times while it writes, some 80 KB a column.
 */
export async function writeWide(
  database: Database,
  { folder, file, coverage, queries }: WideFile,
): Promise<void> {
  const hyparquet = await import('hyparquet-writer');
  const fields = fieldColumns();
  const wholes = new Set(
    coverage.occurrences.filter(({ whole }) => whole).map(({ source, key }) => `${source}.${key}`),
  );
  const isWhole = ({ type, source, key }: ValueColumn) => type === 'number' && wholes.has(`${source}.${key}`);
  const values = coverage.columns.map((column) => ({ ...column, whole: isWhole(column) }));
  const count = fields.length + values.length;
  const writer = new hyparquet.ParquetWriter({
    writer: hyparquet.fileWriter(file),
    schema: [
      { name: 'schema', num_children: count },
      ...fields.flatMap(({ schema }) => schema),
      ...values.map(valueSchema),
    ],
    kvMetadata: [{ key: COVERAGE_KEY, value: JSON.stringify(coverage) }],
    createdBy: 'metalab',
    statistics: false,
  });
  let cells: unknown[][] = Array.from({ length: count }, () => []);
  const flush = async () => {
    const names = [...fields, ...values].map(({ name }) => name);
    const columnData = names.map((name, at) => ({ name, data: cells[at]! as never, offsetIndex: false }));
    await writer.write({ columnData, rowGroupSize: Number.MAX_SAFE_INTEGER });
    cells = Array.from({ length: count }, () => []);
  };
  const groupRows = Math.max(MIN_GROUP_ROWS, Math.ceil(GROUP_CELLS / count));
  for (const sql of queries) {
    for await (const found of rowsWithRecords(database, folder, sql)) {
      for (const [at, { read }] of fields.entries()) cells[at]!.push(read(found.row));
      for (const [at, column] of values.entries())
        cells[fields.length + at]!.push(storedOf(found, column, at));
      if (cells[0]!.length >= groupRows) await flush();
    }
  }
  if (cells[0]!.length > 0) await flush();
  await writer.finish();
}

/** The name under which a query has a derived metric: by its place among the columns. */
export const derivedAs = (at: number) => `derived_${at}`;

/** Params and metrics are read from the records: DuckDB would hold 2,048 rows and more of all of them. */
function storedOf(
  { row, record }: { readonly row: Row; readonly record: RunRecord },
  { source, key, type, whole }: ValueColumn & { whole: boolean },
  at: number,
) {
  if (source === 'derived') {
    const value = row[derivedAs(at)] ?? null;
    return whole && typeof value === 'number' ? BigInt(value) : value;
  }
  const all = (source === 'params' ? record.params : record.metrics) ?? {};
  if (!Object.hasOwn(all, key)) return null;
  const value = partValue(all[key]!);
  if (value.type !== type) return null;
  return whole ? BigInt(value.stored as number) : value.stored;
}

interface FieldColumn {
  readonly name: string;
  readonly schema: SchemaElement[];
  read(row: Row): unknown;
}

const OPTIONAL = { repetition_type: 'OPTIONAL' } as const;
const text = (name: string): SchemaElement => ({
  name,
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  ...OPTIONAL,
});

/** The same types as DuckDB writes: times are timestamps with a zone, lists are lists. */
function fieldColumns(): FieldColumn[] {
  return Object.entries({ ...RECORD_FIELDS, ...PLACE_COLUMNS }).map(([name, type]) => {
    const read = (row: Row) => row[name];
    if (name === 'started_at' || name === 'finished_at') {
      const schema: SchemaElement = {
        name,
        type: 'INT64',
        converted_type: 'TIMESTAMP_MICROS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
        ...OPTIONAL,
      };
      return { name, schema: [schema], read: (row) => new Date(String(row[name])) };
    }
    if (name === 'tags' || name === 'warnings' || name === 'notes') {
      const schema: SchemaElement[] = [
        { name, converted_type: 'LIST', num_children: 1, ...OPTIONAL },
        { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
        text('element'),
      ];
      return { name, schema, read: (row) => JSON.parse(String(row[name])) };
    }
    if (type === 'DOUBLE') return { name, schema: [{ name, type, ...OPTIONAL }], read };
    if (type === 'BIGINT') {
      const bigint = (row: Row) => (typeof row[name] === 'number' ? BigInt(row[name]) : null);
      return { name, schema: [{ name, type: 'INT64', ...OPTIONAL }], read: bigint };
    }
    return { name, schema: [text(name)], read };
  });
}

function valueSchema({ name, type, whole }: ValueColumn & { whole: boolean }): SchemaElement {
  if (type === 'number') return { name, type: whole ? 'INT64' : 'DOUBLE', ...OPTIONAL };
  if (type === 'boolean' || type === 'null') return { name, type: 'BOOLEAN', ...OPTIONAL };
  return text(name);
}

/** What {@link WideFile} queries select. */
export const WIDE_LIST = [...RECORD_FIELD_NAMES, ...Object.keys(PLACE_COLUMNS)];
