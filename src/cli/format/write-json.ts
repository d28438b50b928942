import { encodeNumber } from '../../definition/non-finite.js';
import type { CommandContext } from '../command.js';

/** Streams values as one JSON array, one value per line. */
export async function writeJsonArray(values: AsyncIterable<unknown>, context: CommandContext): Promise<void> {
  const BUFFER_CHARACTERS = 64 * 1024;
  let buffer = '[';
  let separator = '\n';
  for await (const value of values) {
    buffer += separator + JSON.stringify(value, (_, each) => encodeNumber(each));
    separator = ',\n';
    if (buffer.length > BUFFER_CHARACTERS) {
      await context.write(buffer);
      buffer = '';
    }
  }
  await context.write(`${buffer}\n]\n`);
}
