import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UsageError } from '../../definition/errors.js';
import { toCsv } from '../../results/csv.js';
import type { Row } from '../../results/query/rows.js';
import type { RowQuery } from '../../results/query/selection.js';
import type { Results } from '../../results/results.js';
import type { CommandContext } from '../command.js';

/** Streams rows as CSV to a file, or to stdout for `-`. */
export async function writeCsv(
  results: Results,
  query: RowQuery & { readonly columns: readonly string[] },
  target: string,
  context: CommandContext,
): Promise<void> {
  await writeAll(toCsv(query.columns, results.batches(query)), target, context);
}

/** The same for rows in memory; the first row gives the columns. */
export async function writeRowsAsCsv(
  rows: readonly Row[],
  target: string,
  context: CommandContext,
): Promise<void> {
  const once = (async function* () {
    yield rows;
  })();
  await writeAll(toCsv(Object.keys(rows[0] ?? {}), once), target, context);
}

async function writeAll(
  texts: AsyncIterable<string>,
  target: string,
  context: CommandContext,
): Promise<void> {
  if (target === '-') {
    for await (const text of texts) await context.write(text);
    return;
  }
  try {
    await pipeline(Readable.from(texts), createWriteStream(target));
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new UsageError(
      {
        code: 'METALAB_OUTPUT',
        what: `can't write: ${error.message}`,
        where: '--csv',
        expected: 'a file that can be written, or -',
      },
      { cause: error },
    );
  }
  context.note(`wrote ${target}`);
}
