import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { partFileBeside } from './part-file.js';
import { fileError, spaceError } from './transport-error.js';

const CHUNK = 256 * 1024;

/** How errors name this machine. */
export const HERE = 'this machine';

/**
 * Writes a file on this machine under a temporary name, and renames it once it is complete.
 *
 * @param mode permission bits, set before the file has content; default: according to the umask
 * @throws TransportError with code METALAB_TRANSPORT_FILE; errors of the chunks unchanged
 */
export async function writeLocalFile(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  mode?: number,
): Promise<void> {
  const temporary = partFileBeside(path);
  await named(path, () => mkdir(dirname(path), { recursive: true }));
  const file = await named(path, () => open(temporary, 'wx', mode ?? 0o666));
  try {
    try {
      if (mode !== undefined) await named(path, () => file.chmod(mode));
      for await (const chunk of chunks) await named(path, () => writeWhole(file, chunk));
    } finally {
      await file.close();
    }
    await named(path, () => rename(temporary, path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A file's bytes from an offset to its end at the time of the call. */
export async function* readLocalFile(path: string, offset = 0): AsyncIterable<Uint8Array> {
  // Non-blocking, so that a named pipe is refused and not waited for.
  const file = await named(path, () => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    const status = await named(path, () => file.stat());
    if (!status.isFile()) throw fileError(HERE, path, 'is not a file');
    for (let at = offset; at < status.size; ) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, status.size - at));
      const { bytesRead } = await named(path, () => file.read(buffer, 0, buffer.length, at));
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.length; )
    written += (await file.write(chunk, written, chunk.length - written)).bytesWritten;
}

async function named<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC') throw spaceError(HERE, `no space left on device: ${path}`, error);
    if (code === 'EDQUOT') throw spaceError(HERE, `disk quota exceeded: ${path}`, error);
    throw fileError(HERE, path, code === 'ENOENT' ? 'no such file' : message, error);
  }
}
