import { stringify } from 'csv-stringify/sync';
import type { Row } from './query/rows.js';

/** CSV (RFC 4180) in pieces, as the rows come: with a header, numbers in full precision, nothing where a value is missing. */
export async function* toCsv(
  columns: readonly string[],
  batches: AsyncIterable<readonly Row[]>,
): AsyncGenerator<string, void> {
  yield stringify([[...columns]]);
  for await (const batch of batches) {
    yield stringify(
      batch.map((row) => columns.map((column) => row[column])),
      { cast: { boolean: (value) => String(value) } },
    );
  }
}
