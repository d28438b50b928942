import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UsageError } from '../../definition/errors.js';

/** Where a user wants a file. */
export interface NewFile {
  readonly target: string;
  /** What named it, for errors: an option of the command line. */
  readonly option?: string;
  /** A file that exists is replaced. */
  readonly force?: boolean;
}

/**
 * Has a file written that appears when it is complete: what fails leaves none.
 *
 * @param write writes to the path that it gets
 * @throws UsageError if the file exists, or can't be written
 */
export async function writeNewFile(file: NewFile, write: (path: string) => Promise<void>): Promise<void> {
  const { target, force } = file;
  if (!force) await refuseExisting(file);
  // A device or a pipe is written to, never replaced.
  const there = await stat(target).catch(() => undefined);
  const isFile = there === undefined || there.isFile();
  const partial = isFile ? `${target}.${process.pid}.partial` : target;
  try {
    // Its error says more than that of a library.
    if (isFile) await (await open(partial, 'w')).close();
    await write(partial);
    if (isFile) await rename(partial, target);
  } catch (error) {
    if (isFile) await rm(partial, { force: true }).catch(() => {});
    if (!(error instanceof Error && ('syscall' in error || error.message.startsWith(DUCKDB_IO_ERROR))))
      throw error;
    throw outputError(file, `can't write: ${error.message.replaceAll(partial, target)}`, error);
  }
}

const DUCKDB_IO_ERROR = 'IO Error';

/** The same of text or bytes. */
export function writePieces(
  file: NewFile,
  pieces: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
): Promise<void> {
  return writeNewFile(file, (path) => pipeline(Readable.from(pieces), createWriteStream(path)));
}

/** @throws UsageError if there is a file of that name */
export async function refuseExisting(file: NewFile): Promise<void> {
  const there = await stat(file.target).catch(() => undefined);
  if (there?.isFile()) throw outputError(file, `${file.target} exists`);
}

export const outputError = ({ target, option }: NewFile, what: string, cause?: Error) =>
  new UsageError(
    {
      code: 'METALAB_OUTPUT',
      where: option ?? target,
      what,
      expected: cause
        ? 'a place that can be written'
        : `a new file, or ${option === undefined ? 'force' : '--force'} to replace it`,
    },
    cause && { cause },
  );
