import { appendFileSync } from 'node:fs';
import type { ParquetWriter, Writer } from 'hyparquet-writer';
import { isLongValue } from '../../storage/file/formats/long-text.js';
import type { StoredCell } from '../query/cell.js';
import { bytesOfCells, rowGroups } from './row-groups.js';
import { type FileType, type TypedColumn, typedValue } from './typed-columns.js';

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

/** A column of a Parquet file, and its value in what a row is made of. */
export interface ParquetColumn<T> {
  readonly name: string;
  readonly type: FileType;
  /** Null where there is none; integers are bigints. */
  read(item: T): unknown;
}

interface WriteOptions {
  readonly metadata?: { readonly [key: string]: string };
  /** Without compression and dictionaries: larger, but quick to write. */
  readonly plain?: boolean;
}

/**
 * Writes a Parquet file with hundreds of columns. DuckDB holds 2,048 rows of every column several times while it writes, some
 * 80 KB a column.
 */
export async function writeParquetRows<T>(
  file: string,
  columns: readonly ParquetColumn<T>[],
  groups: AsyncIterable<readonly T[]> | Iterable<readonly T[]>,
  { metadata = {}, plain = false }: WriteOptions = {},
): Promise<void> {
  const hyparquet = await import('hyparquet-writer');
  const writer = new hyparquet.ParquetWriter({
    writer: unbuffered(hyparquet.fileWriter(file), file),
    schema: [
      { name: 'schema', num_children: columns.length },
      ...columns.flatMap(({ name, type }) => schemaOf(name, type)),
    ],
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    createdBy: 'metalab',
    statistics: false,
  });
  for await (const items of groups) {
    const columnData = columns.map(({ name, type, read }) => {
      const values = items.map(read);
      return {
        name,
        // Asked for when the column is written: long texts are in memory one column at a time.
        get data() {
          return values.map(withBytes) as never;
        },
        offsetIndex: false,
        ...(plain && PLAIN.has(type) ? { encoding: 'PLAIN' as const } : {}),
        ...(plain || sizeOf(values) > MAX_COMPRESSED ? { codec: 'UNCOMPRESSED' as const } : {}),
      };
    });
    await writer.write({ columnData, rowGroupSize: Number.MAX_SAFE_INTEGER });
  }
  await writer.finish();
}

/** The same of a selection's cells. */
export async function writeStoredCells(
  cells: AsyncIterable<readonly (readonly StoredCell[])[]>,
  columns: readonly TypedColumn[],
  file: string,
  options?: WriteOptions,
): Promise<void> {
  const read = columns.map((column) => ({
    ...column,
    read: (row: readonly StoredCell[]) => typedValue(row[column.at], column),
  }));
  await writeParquetRows(file, read, rowGroups(cells, columns.length, bytesOfCells), options);
}

/** A column of a group whose long texts have more bytes is not compressed: that would take twice their size in memory. */
const MAX_COMPRESSED = 16 << 20;

const PLAIN: ReadonlySet<FileType> = new Set(['double', 'int', 'text']);

/** Long texts, and those of a list, as bytes. */
function withBytes(value: unknown): unknown {
  if (isLongValue(value)) return value.bytes();
  return Array.isArray(value) ? value.map(withBytes) : value;
}

/** Of long texts. */
function sizeOf(values: readonly unknown[]): number {
  let size = 0;
  for (const value of values)
    if (isLongValue(value)) size += value.size;
    else if (Array.isArray(value)) size += sizeOf(value);
  return size;
}

/** Its buffer grows to what is written at once, and stays: a page of 100 MB goes to the file as it is. */
function unbuffered(writer: Writer, file: string): Writer {
  const append = writer.appendBytes.bind(writer);
  writer.appendBytes = (bytes) => {
    if (bytes.length <= MAX_COMPRESSED) return append(bytes);
    // It writes what it has.
    writer.finish();
    appendFileSync(file, bytes);
    writer.offset += bytes.length;
  };
  return writer;
}

const OPTIONAL = { repetition_type: 'OPTIONAL' } as const;

/** The same types as DuckDB writes: times are timestamps with a zone, lists are lists. */
function schemaOf(name: string, type: FileType): SchemaElement[] {
  switch (type) {
    case 'double':
      return [{ name, type: 'DOUBLE', ...OPTIONAL }];
    case 'int':
      return [{ name, type: 'INT64', ...OPTIONAL }];
    case 'boolean':
      return [{ name, type: 'BOOLEAN', ...OPTIONAL }];
    case 'text':
      return [{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', ...OPTIONAL }];
    case 'texts':
      return [
        { name, converted_type: 'LIST', num_children: 1, ...OPTIONAL },
        { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
        ...schemaOf('element', 'text'),
      ];
    case 'time':
      return [
        {
          name,
          type: 'INT64',
          converted_type: 'TIMESTAMP_MICROS',
          logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
          ...OPTIONAL,
        },
      ];
  }
}
