import { type NewFile, writePieces } from '../../storage/file/write-new-file.js';
import type { CommandContext } from '../command.js';

/**
 * Streams text or bytes to a file, or to stdout for `-`. The file appears when it is complete: what fails leaves none.
 *
 * @throws UsageError if the file exists, or can't be written
 */
export async function writeOutput(
  pieces: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  to: NewFile,
  context: CommandContext,
): Promise<void> {
  if (to.target === '-') {
    for await (const piece of pieces) await context.write(piece);
    return;
  }
  await writePieces(to, pieces);
  context.note(`wrote ${to.target}`);
}
