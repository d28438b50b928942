import type { DataType, List, Utf8 } from 'apache-arrow';
import { LongText, LongTextList } from '../../storage/file/formats/long-text.js';
import type { StoredCell } from '../query/cell.js';
import { bytesOfCells, rowGroups } from './row-groups.js';
import { type FileType, type TypedColumn, typedValue } from './typed-columns.js';

const MAX_JOINED = 4 << 20;

/** An Arrow IPC file ("Feather 2") in pieces, as the rows come. */
export async function* toArrow(
  columns: readonly TypedColumn[],
  batches: AsyncIterable<readonly (readonly StoredCell[])[]>,
): AsyncGenerator<Uint8Array, void> {
  const arrow = await import('apache-arrow');
  const types: { readonly [type in FileType]: () => DataType } = {
    double: () => new arrow.Float64(),
    int: () => new arrow.Int64(),
    boolean: () => new arrow.Bool(),
    text: () => new arrow.Utf8(),
    texts: () => new arrow.List(arrow.Field.new({ name: 'item', type: new arrow.Utf8(), nullable: true })),
    time: () => new arrow.TimestampMillisecond('UTC'),
  };
  const schema = new arrow.Schema(
    columns.map(({ name, type }) => arrow.Field.new({ name, type: types[type](), nullable: true })),
  );
  let pieces: Uint8Array[] = [];
  const take = () => {
    const taken = pieces;
    pieces = [];
    const bytes = taken.reduce((sum, { length }) => sum + length, 0);
    return bytes > MAX_JOINED ? taken : [Buffer.concat(taken)];
  };
  /** Its own queue grows without a limit. */
  class Sink extends arrow.AsyncByteQueue {
    override write(piece: ArrayBufferView) {
      pieces.push(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
    }
  }
  const writer = new arrow.RecordBatchFileWriter();
  writer.reset(new Sink(), schema);
  const dataOf = (rows: readonly (readonly StoredCell[])[], column: TypedColumn, type: DataType) => {
    const values = rows.map((row) => typedValue(row[column.at], column));
    if (rows.some((row) => row[column.at] instanceof LongText)) return longTexts(values, type);
    if (rows.some((row) => row[column.at] instanceof LongTextList))
      return longLists(values as readonly (readonly unknown[])[], type as List);
    const builder = arrow.makeBuilder({ type, nullValues: [null] });
    for (const value of values) builder.append(value);
    return builder.finish().flush();
  };
  /** Without making JavaScript strings of them. */
  const longTexts = (values: readonly unknown[], type: DataType) => {
    const builder = new arrow.BinaryBuilder({ type: new arrow.Binary(), nullValues: [null] });
    for (const value of values)
      builder.append(
        value instanceof LongText ? value.bytes() : typeof value === 'string' ? Buffer.from(value) : null,
      );
    const built = builder.finish().flush();
    const { length, nullCount, nullBitmap, valueOffsets, values: data } = built;
    return arrow.makeData({ type: type as Utf8, length, nullCount, nullBitmap, valueOffsets, data });
  };
  const longLists = (lists: readonly (readonly unknown[])[], type: List) => {
    const valueOffsets = new Int32Array(lists.length + 1);
    for (const [at, { length }] of lists.entries()) valueOffsets[at + 1] = valueOffsets[at]! + length;
    const child = longTexts(lists.flat(), type.valueType);
    return arrow.makeData({ type, length: lists.length, nullCount: 0, valueOffsets, child });
  };
  for await (const rows of rowGroups(batches, columns.length, bytesOfCells)) {
    const children = columns.map((column, at) => dataOf(rows, column, schema.fields[at]!.type));
    const type = new arrow.Struct(schema.fields);
    const data = arrow.makeData({ type, length: rows.length, nullCount: 0, children });
    writer.write(new arrow.RecordBatch(schema, data));
    yield* take();
  }
  writer.finish();
  yield* take();
}
