import { jsonPieces } from '../../results/export/json-pieces.js';
import type { CommandContext } from '../command.js';

const BUFFER_CHARACTERS = 64 * 1024;

/** Writes a value as JSON on one line, in little more memory than the value takes. */
export async function writeJson(value: unknown, context: CommandContext): Promise<void> {
  for (const piece of jsonPieces(value)) await context.write(piece);
  await context.write('\n');
}

/** Streams values as one JSON array, one value per line. */
export async function writeJsonArray(values: AsyncIterable<unknown>, context: CommandContext): Promise<void> {
  let buffer = '[';
  let separator = '\n';
  for await (const value of values) {
    buffer += separator;
    separator = ',\n';
    for (const piece of jsonPieces(value)) {
      buffer += piece;
      if (buffer.length <= BUFFER_CHARACTERS) continue;
      await context.write(buffer);
      buffer = '';
    }
  }
  await context.write(`${buffer}\n]\n`);
}
