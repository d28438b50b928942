import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { storeFault } from '../faults.js';
import { temporaryBeside } from '../owner.js';
import { syncFolder } from '../sync-folder.js';
import { keepInQuarantine } from './quarantine.js';

const NEWLINE = 10;

/** Bytes from ≤ offset < to. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

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
export async function deleteLines(path: string, lines: readonly ByteRange[]): Promise<void> {
  try {
    await rewrite(path, blankLines(lines), async () => {});
    await syncFolder(dirname(path));
  } catch (error) {
    throw storeFault(error, path);
  }
}

/** @param before is awaited when the new file is written, before it takes the old one's place */
async function rewrite(path: string, heal: Heal, before: () => Promise<void>): Promise<void> {
  const healed = temporaryBeside(path);
  try {
    await pipeline(createReadStream(path), heal, createWriteStream(healed, { flags: 'wx' }));
    const handle = await open(healed, 'r');
    await handle.sync().finally(() => handle.close());
    await before();
    await rename(healed, path);
  } catch (error) {
    await rm(healed, { force: true });
    throw error;
  }
}

/** Replaces bad lines by empty ones. */
export const blankLines = (bad: readonly ByteRange[]): Heal => fill(bad, NEWLINE);

/** Makes holes of what is damaged in a pack. */
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
