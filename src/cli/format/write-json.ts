import type { CommandContext } from '../command.js';

/** Streams values as one JSON array, one value per line. */
export async function writeJsonArray(values: AsyncIterable<unknown>, context: CommandContext): Promise<void> {
  const PIECE_CHARACTERS = 64 * 1024;
  let piece = '[';
  let separator = '\n';
  for await (const value of values) {
    piece += separator + JSON.stringify(value);
    separator = ',\n';
    if (piece.length > PIECE_CHARACTERS) {
      await context.write(piece);
      piece = '';
    }
  }
  await context.write(`${piece}\n]\n`);
}
