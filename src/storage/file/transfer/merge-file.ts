import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StoreError } from '../../../definition/errors.js';
import { hashContent } from '../../../identity/hash-content.js';
import { writeAtomically } from '../atomic-write.js';
import { storeFault } from '../faults.js';
import { sizeOf } from '../file-size.js';
import { parseObject } from '../formats/lines.js';
import { makeFolder } from '../make-folder.js';
import { temporaryBeside } from '../owner.js';
import { readText } from '../read-json.js';
import { syncFolder } from '../sync-folder.js';
import { type FileRule, nameOfContent, type TransferFile } from './list-files.js';
import { FilesDiffer, type MergedBlock, mergeBlocks } from './merge-blocks.js';

/** `copied`: the target has more than before, at its end or, with `filledHoles`, before that. `differs`: nothing was written, since neither can be told to be right. */
export type MergeResult =
  | { readonly result: 'copied'; readonly bytes: number; readonly filledHoles: boolean }
  | { readonly result: 'same' }
  | { readonly result: 'differs'; readonly what: string };

const HOLES: { readonly [rule in FileRule]?: number } = { lines: 0x0a, pack: 0 };

/**
 * Merges one file into another folder of the same experiment. Killed at any point, the target's file is the old one or the
 * whole new one; what was written is read again and compared by its hash.
 *
 * @param from folder of the experiment
 * @param to folder of the experiment in the target
 * @throws StoreError where the source can't be read or the target not be written
 */
export async function mergeFile(from: string, to: string, file: TransferFile): Promise<MergeResult> {
  const source = join(from, file.path);
  const target = join(to, file.path);
  try {
    const { size, text } = file;
    if (text !== undefined) return await mergeLatest(text, target);
    if (file.rule === 'named')
      return await mergeNamed({ path: source, size }, target, nameOfContent(file.path)!);
    return await mergeGrowing({ path: source, size }, target, HOLES[file.rule]);
  } catch (error) {
    throw storeFault(error, target);
  }
}

interface Source {
  readonly path: string;
  readonly size: number;
}

async function mergeGrowing(source: Source, target: string, hole: number | undefined): Promise<MergeResult> {
  const isNew = (await sizeOf(target)) === undefined;
  try {
    // All of it is compared before anything is written.
    if (!isNew && (await isSame(mergeBlocks(source, target, hole)))) return { result: 'same' };
    return { result: 'copied', ...(await write(mergeBlocks(source, target, hole), target)) };
  } catch (error) {
    if (error instanceof FilesDiffer) return { result: 'differs', what: error.message };
    throw error;
  }
}

async function isSame(blocks: AsyncIterable<MergedBlock>): Promise<boolean> {
  let same = true;
  for await (const { isThere } of blocks) same &&= isThere;
  return same;
}

/** A damaged copy in the target is replaced; a damaged source is not taken. */
async function mergeNamed(source: Source, target: string, name: string): Promise<MergeResult> {
  if ((await sizeOf(target)) !== undefined && (await hashOf(target)) === name) return { result: 'same' };
  if ((await hashOf(source.path)) !== name) return differsFromName;
  return { result: 'copied', ...(await write(mergeBlocks(source, undefined, undefined), target)) };
}

const differsFromName: MergeResult = {
  result: 'differs',
  what: 'the source is damaged: its content does not match its name',
};

/** When a JSON file that is rewritten was written. */
interface Dated {
  readonly submitted_at?: string;
  readonly applied_at?: string;
  readonly finished_at?: string;
}

const dateOf = ({ submitted_at, applied_at, finished_at }: Dated) =>
  Date.parse(submitted_at ?? applied_at ?? finished_at ?? '') || 0;

/** A damaged one in the target is replaced by a sound one. */
async function mergeLatest(text: string, target: string): Promise<MergeResult> {
  const there = await readText(target);
  if (text === there) return { result: 'same' };
  const ours = parse(text);
  const theirs = there === undefined ? undefined : parse(there);
  if (!ours) return { result: 'differs', what: 'the source is damaged: it is no JSON object' };
  if (theirs && dateOf(theirs) >= dateOf(ours)) return { result: 'same' };
  await writeAtomically(target, text);
  return { result: 'copied', bytes: Buffer.byteLength(text), filledHoles: false };
}

function parse(text: string): Dated | undefined {
  const bytes = Buffer.from(text);
  return parseObject<Dated>(bytes, 0, bytes.length);
}

async function write(
  blocks: AsyncIterable<MergedBlock>,
  target: string,
): Promise<{ readonly bytes: number; readonly filledHoles: boolean }> {
  await makeFolder(dirname(target));
  const temporary = temporaryBeside(target);
  try {
    const file = await open(temporary, 'wx');
    const hash = createHash('sha256');
    let size = 0;
    let filledHoles = false;
    try {
      for await (const { bytes, offset, fillsHole } of blocks) {
        filledHoles ||= fillsHole;
        hash.update(bytes);
        await writeWithoutHoles(file, bytes, offset);
        size = offset + bytes.length;
      }
      await file.truncate(size);
      await file.sync();
    } finally {
      await file.close();
    }
    if ((await hashOf(temporary)) !== hash.digest('hex')) throw notAsWritten(target);
    await rename(temporary, target);
    await syncFolder(dirname(target));
    return { bytes: size, filledHoles };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Filesystems free whole blocks. */
const DISK_BLOCK = 4096;
const ZEROS = Buffer.alloc(DISK_BLOCK);

/** What is NUL throughout, as in the holes of packs, takes no room on the disk. */
async function writeWithoutHoles(file: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  const isHole = (at: number) => bytes.subarray(at, at + DISK_BLOCK).equals(ZEROS);
  for (let from = 0; from < bytes.length; ) {
    let to = from;
    while (to < bytes.length && !isHole(to)) to += DISK_BLOCK;
    const part = bytes.subarray(from, Math.min(to, bytes.length));
    for (let at = 0; at < part.length; )
      at += (await file.write(part, at, part.length - at, offset + from + at)).bytesWritten;
    from = to + DISK_BLOCK;
  }
}

const hashOf = async (path: string): Promise<string> => (await hashContent(path)).content_hash;

const notAsWritten = (path: string) =>
  new StoreError({
    code: 'METALAB_COPY_DAMAGED',
    where: path,
    what: 'the written file reads back with other bytes',
    next: 'check the disk and its mount, then copy again: what is copied already stays',
  });
