import { toCsv } from '../../results/csv.js';
import type { Batches } from '../../results/export/lines-in-pieces.js';
import type { StoredCell } from '../../results/query/cell.js';
import type { LongValue } from '../../storage/file/formats/long-text.js';
import type { CommandContext } from '../command.js';
import { writeOutput } from './write-output.js';

/** Streams rows as CSV to a file, or to stdout for `-`. */
export async function writeCsv(
  columns: readonly (string | LongValue)[],
  batches: Batches<readonly StoredCell[]>,
  { csv = '-', force = false }: { readonly csv?: string; readonly force?: boolean },
  context: CommandContext,
): Promise<void> {
  await writeOutput(toCsv(columns, batches), { target: csv, option: '--csv', force }, context);
}
