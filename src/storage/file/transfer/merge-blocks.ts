import { type FileHandle, open } from 'node:fs/promises';
import { faultCode } from '../faults.js';

const BLOCK_BYTES = 1 << 20;

/** What two files come to together, some bytes at a time. Buffers are valid until the next is asked for. */
export interface MergedBlock {
  readonly offset: number;
  readonly bytes: Buffer;
  /** Whether the target has these bytes already. */
  readonly isThere: boolean;
  /** Whether the target had a hole where these have bytes. */
  readonly fillsHole: boolean;
}

/** Two files that should be the same, or one the beginning of the other, differ at this byte. */
export class FilesDiffer extends Error {
  override readonly name = 'FilesDiffer';
  readonly offset: number;

  constructor(offset: number) {
    super(`they differ at byte ${offset}`);
    this.offset = offset;
  }
}

/**
 * Two files that began as one: where only one has something, it is taken; where one has a hole, the other's bytes.
 *
 * @param source its first `size` bytes
 * @param target undefined, or a file that may not be there
 * @param hole the byte that holes are filled with; undefined: there are none
 * @throws FilesDiffer where both have bytes that differ
 */
export async function* mergeBlocks(
  source: { readonly path: string; readonly size: number },
  target: string | undefined,
  hole: number | undefined,
): AsyncGenerator<MergedBlock> {
  const from = await open(source.path, 'r');
  const there = target === undefined ? undefined : await openIfThere(target);
  const [a, b] = [Buffer.allocUnsafe(BLOCK_BYTES), Buffer.allocUnsafe(BLOCK_BYTES)];
  try {
    for (let offset = 0; ; offset += BLOCK_BYTES) {
      const ours = await readBlock(from, a, offset, source.size);
      const theirs = there ? await readBlock(there, b, offset) : b.subarray(0, 0);
      const length = Math.max(ours.length, theirs.length);
      if (length === 0) return;
      const isThere = theirs.length === length && theirs.subarray(0, ours.length).equals(ours);
      if (isThere) yield { offset, bytes: theirs, isThere, fillsHole: false };
      else yield merge(ours, theirs, offset, hole);
      if (length < BLOCK_BYTES) return;
    }
  } finally {
    await from.close();
    await there?.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (faultCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function readBlock(
  file: FileHandle,
  buffer: Buffer,
  offset: number,
  end = Number.POSITIVE_INFINITY,
): Promise<Buffer> {
  const wanted = Math.max(0, Math.min(buffer.length, end - offset));
  let length = 0;
  while (length < wanted) {
    const { bytesRead } = await file.read(buffer, length, wanted - length, offset + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

function merge(ours: Buffer, theirs: Buffer, offset: number, hole: number | undefined): MergedBlock {
  const [long, short] = ours.length >= theirs.length ? [ours, theirs] : [theirs, ours];
  let fillsHole = false;
  for (let i = 0; i < short.length; i++) {
    const [mine, other] = [ours[i]!, theirs[i]!];
    if (mine === other || mine === hole) {
      long[i] = other;
      continue;
    }
    if (other !== hole) throw new FilesDiffer(offset + i);
    long[i] = mine;
    fillsHole = true;
  }
  return { offset, bytes: long, isThere: theirs === long && !fillsHole, fillsHole };
}
