import type { ParquetWriter } from 'hyparquet-writer';
import type { FileType } from './typed-columns.js';

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

/** A column of a Parquet file, and its value in what a row is made of. */
export interface ParquetColumn<T> {
  readonly name: string;
  readonly type: FileType;
  /** Null where there is none; integers are bigints. */
  read(item: T): unknown;
}

/**
 * Writes a Parquet file with hundreds of columns. DuckDB holds 2,048 rows of every column several times while it writes, some
 * 80 KB a column.
 */
export async function writeParquetRows<T>(
  file: string,
  columns: readonly ParquetColumn<T>[],
  groups: AsyncIterable<readonly T[]>,
  metadata: { readonly [key: string]: string } = {},
): Promise<void> {
  const hyparquet = await import('hyparquet-writer');
  const writer = new hyparquet.ParquetWriter({
    writer: hyparquet.fileWriter(file),
    schema: [
      { name: 'schema', num_children: columns.length },
      ...columns.flatMap(({ name, type }) => schemaOf(name, type)),
    ],
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    createdBy: 'metalab',
    statistics: false,
  });
  for await (const items of groups) {
    const columnData = columns.map(({ name, read }) => ({
      name,
      data: items.map(read) as never,
      offsetIndex: false,
    }));
    await writer.write({ columnData, rowGroupSize: Number.MAX_SAFE_INTEGER });
  }
  await writer.finish();
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
