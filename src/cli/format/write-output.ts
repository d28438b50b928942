import { createWriteStream } from 'node:fs';
import { lstat, rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UsageError } from '../../definition/errors.js';
import type { CommandContext } from '../command.js';

/**
 * Streams text to a file, or to stdout for `-`. The file appears when it is complete: what fails leaves none.
 *
 * @throws UsageError if the file can't be written
 */
export async function writeOutput(
  pieces: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  { target, option }: { readonly target: string; readonly option: string },
  context: CommandContext,
): Promise<void> {
  if (target === '-') {
    for await (const piece of pieces) await context.write(piece as string);
    return;
  }
  const partial = `${target}.${process.pid}.partial`;
  try {
    await pipeline(Readable.from(pieces), createWriteStream(partial));
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new UsageError(
      {
        code: 'METALAB_OUTPUT',
        what: `can't write: ${error.message.replace(partial, target)}`,
        where: option,
        expected: 'a file that can be written, or -',
      },
      { cause: error },
    );
  }
  context.note(`wrote ${target}`);
}

/** @throws UsageError if there is something of that name */
export async function refuseExisting(target: string, option: string): Promise<void> {
  const exists = await lstat(target).then(
    () => true,
    () => false,
  );
  if (!exists) return;
  throw new UsageError({
    code: 'METALAB_OUTPUT',
    where: option,
    what: `${target} exists`,
    expected: 'a new file, or --force to replace it',
  });
}
