import { LongText } from '../../storage/file/formats/long-text.js';
import type { RunsCoverage, ValueColumn } from '../../storage/file/formats/runs-file.js';
import { COVERAGE_KEY } from '../../storage/file/formats/sealed-file.js';
import type { Database } from '../duckdb/database.js';
import {
  isLongField,
  listOf,
  PLACE_COLUMNS,
  RECORD_FIELD_NAMES,
  RECORD_FIELDS,
} from '../duckdb/record-table.js';
import { type RowWithRecord, rowsWithRecords } from '../duckdb/rows-with-records.js';
import { partValue } from '../duckdb/value-parts.js';
import { type ParquetColumn, writeParquetRows } from '../export/parquet-rows.js';
import { rowGroups } from '../export/row-groups.js';

/** What is written: the file's columns beside those of values are the fields of records. */
export interface WideFile {
  readonly folder: string;
  readonly file: string;
  readonly coverage: RunsCoverage;
  /** Queries for fields and places of the rows, in their order, and for derived metrics by {@link derivedAs}. */
  readonly queries: readonly string[];
}

/** Writes records with hundreds of params and metrics, or many megabytes, to a Parquet file. */
export async function writeWide(
  database: Database,
  { folder, file, coverage, queries }: WideFile,
): Promise<void> {
  const wholes = new Set(
    coverage.occurrences.filter(({ whole }) => whole).map(({ source, key }) => `${source}.${key}`),
  );
  const columns = [
    ...FIELD_COLUMNS,
    ...coverage.columns.map((column, at) =>
      valueColumn(column, at, wholes.has(`${column.source}.${column.key}`)),
    ),
  ];
  async function* rows() {
    for (const sql of queries) for await (const row of rowsWithRecords(database, folder, sql)) yield [row];
  }
  await writeParquetRows(
    file,
    columns,
    rowGroups(rows(), columns.length, ({ bytes }) => bytes),
    { metadata: { [COVERAGE_KEY]: JSON.stringify(coverage) } },
  );
}

/** The name under which a query has a derived metric: by its place among the columns. */
export const derivedAs = (at: number) => `derived_${at}`;

function valueColumn(column: ValueColumn, at: number, whole: boolean): ParquetColumn<RowWithRecord> {
  const { name, type, source } = column;
  const read =
    source === 'derived'
      ? ({ row }: RowWithRecord) => row[derivedAs(at)] ?? null
      : (item: RowWithRecord) => storedOf(item, column);
  if (type === 'number' && whole)
    return {
      name,
      type: 'int',
      read: (item) => {
        const value = read(item);
        return typeof value === 'number' ? BigInt(value) : null;
      },
    };
  if (type === 'number') return { name, type: 'double', read };
  return { name, type: type === 'boolean' || type === 'null' ? 'boolean' : 'text', read };
}

/** Params and metrics are read from the records: DuckDB would hold 2,048 rows and more of all of them. */
function storedOf({ record }: RowWithRecord, { source, key, type }: ValueColumn): unknown {
  const all = (source === 'params' ? record.params : record.metrics) ?? {};
  if (!Object.hasOwn(all, key)) return null;
  const stored = all[key]!;
  if (stored instanceof LongText) return type === stored.type ? stored : null;
  const value = partValue(stored);
  return value.type === type ? value.stored : null;
}

const asText = (item: unknown) => (item instanceof LongText ? item : String(item));

/** The same types as DuckDB writes: times are timestamps with a zone, lists are lists. */
const FIELD_COLUMNS = Object.entries({ ...RECORD_FIELDS, ...PLACE_COLUMNS }).map(
  ([name, type]): ParquetColumn<RowWithRecord> => {
    const read = ({ row }: RowWithRecord) => row[name];
    if (name === 'started_at' || name === 'finished_at')
      return { name, type: 'time', read: ({ row }) => new Date(String(row[name])) };
    if (name === 'tags')
      return { name, type: 'texts', read: ({ row }) => JSON.parse(String(row[name])).map(asText) };
    if (name === 'warnings' || name === 'notes')
      return { name, type: 'texts', read: ({ record }) => listOf(record[name]).map(asText) };
    if (name === 'error') return { name, type: 'text', read: ({ record }) => record.error?.message ?? null };
    if (type === 'DOUBLE') return { name, type: 'double', read };
    if (type === 'BIGINT') {
      const bigint = ({ row }: RowWithRecord) => (typeof row[name] === 'number' ? BigInt(row[name]) : null);
      return { name, type: 'int', read: bigint };
    }
    return { name, type: 'text', read };
  },
);

/** What {@link WideFile} queries select. */
export const WIDE_LIST = [
  ...RECORD_FIELD_NAMES.filter((name) => !isLongField(name)),
  ...Object.keys(PLACE_COLUMNS),
];
