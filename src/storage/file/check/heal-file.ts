import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ByteRange } from '../byte-range.js';
import { storeFault } from '../faults.js';
import { temporaryBeside } from '../owner.js';
import { syncFolder } from '../sync-folder.js';
import { keepInQuarantine } from './quarantine.js';

const NEWLINE = 10;
/** Filesystems keep no whole blocks of zeros that nobody has written. */
export const BLOCK_BYTES = 4096;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** Changes a file's bytes while it is copied, and leaves its length as it is. */
export type Heal = (blocks: AsyncIterable<Buffer>) => AsyncGenerator<Buffer>;

/**
 * Heals a segment or a pack: every record and artifact keeps its offset, by which others know it. The damaged file stays
 * in the quarantine; killed at any point, the file is either the old or the healed one.
 *
 * @returns where the damaged file is kept
 */
export async function healFile(folder: string, path: string, heal: Heal): Promise<string> {
  let kept = '';
  await rewrite(path, heal, async () => {
    kept = await keepInQuarantine(folder, path);
  });
  return kept;
}

/** Replaces lines of a segment by empty ones. Nothing of them is kept. @throws StoreError where it can't be written */
export const deleteLines = (path: string, lines: readonly ByteRange[]): Promise<void> =>
  remove(path, blankLines(lines));

/** Makes holes of what is not needed in a pack. Nothing of it is kept. @throws StoreError where it can't be written */
export const deleteArtifacts = (path: string, artifacts: readonly ByteRange[]): Promise<void> =>
  remove(path, makeHoles(artifacts));

async function remove(path: string, heal: Heal): Promise<void> {
  try {
    await rewrite(path, heal, async () => {});
    await syncFolder(dirname(path));
  } catch (error) {
    throw storeFault(error, path);
  }
}

/** @param before is awaited when the new file is written, before it takes the old one's place */
async function rewrite(path: string, heal: Heal, before: () => Promise<void>): Promise<void> {
  const healed = temporaryBeside(path);
  try {
    await writeSparse(healed, heal(createReadStream(path)));
    await before();
    await rename(healed, path);
  } catch (error) {
    await rm(healed, { force: true });
    throw error;
  }
}

/** Writes and fsyncs a new file in which blocks of zeros are holes, which take no room. */
async function writeSparse(path: string, chunks: AsyncIterable<Buffer>): Promise<void> {
  const file = await open(path, 'wx');
  try {
    let size = 0;
    for await (const chunk of chunks) {
      let written = 0;
      for (let at = 0; at < chunk.length; at += BLOCK_BYTES) {
        const block = chunk.subarray(at, at + BLOCK_BYTES);
        if (!block.equals(ZEROS)) continue;
        await writeAll(file, chunk.subarray(written, at), size + written);
        written = at + block.length;
      }
      await writeAll(file, chunk.subarray(written), size + written);
      size += chunk.length;
    }
    await file.truncate(size);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; )
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
}

/** Replaces bad lines by empty ones. */
export const blankLines = (bad: readonly ByteRange[]): Heal => fill(bad, NEWLINE);

/** Replaces what is damaged in a pack by zeros. */
export const makeHoles = (bad: readonly ByteRange[]): Heal => fill(bad, 0);

/** @param bad ascending */
function fill(bad: readonly ByteRange[], byte: number): Heal {
  return async function* (blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let offset = 0;
    let next = 0;
    for await (const block of blocks) {
      for (; next < bad.length && bad[next]!.from < offset + block.length; next++) {
        const { from, to } = bad[next]!;
        block.fill(byte, Math.max(0, from - offset), Math.min(block.length, to - offset));
        if (to > offset + block.length) break;
      }
      offset += block.length;
      yield block;
    }
  };
}
