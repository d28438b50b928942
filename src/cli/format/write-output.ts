import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UsageError } from '../../definition/errors.js';
import type { CommandContext } from '../command.js';

/**
 * Streams text or bytes to a file, or to stdout for `-`. The file appears when it is complete: what fails leaves none.
 *
 * @param to where to: with `force`, a file that exists is replaced
 * @throws UsageError if the file exists, or can't be written
 */
export async function writeOutput(
  pieces: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  to: { readonly target: string; readonly option: string; readonly force: boolean },
  context: CommandContext,
): Promise<void> {
  const { target, option, force } = to;
  if (target === '-') {
    for await (const piece of pieces) await context.write(piece);
    return;
  }
  if (!force) await refuseExisting(target, option);
  // A device or a pipe is written to, never replaced.
  const there = await stat(target).catch(() => undefined);
  const isFile = there === undefined || there.isFile();
  const partial = isFile ? `${target}.${process.pid}.partial` : target;
  try {
    await pipeline(Readable.from(pieces), createWriteStream(partial));
    if (isFile) await rename(partial, target);
  } catch (error) {
    if (isFile) await rm(partial, { force: true }).catch(() => {});
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

/** @throws UsageError if there is a file of that name */
export async function refuseExisting(target: string, option: string): Promise<void> {
  const there = await stat(target).catch(() => undefined);
  if (!there?.isFile()) return;
  throw new UsageError({
    code: 'METALAB_OUTPUT',
    where: option,
    what: `${target} exists`,
    expected: 'a new file, or --force to replace it',
  });
}
