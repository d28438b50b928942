import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ByteRange } from '../byte-range.js';
import { parsePack } from '../formats/pack.js';
import { listPacks } from '../formats/packs.js';
import type { Garbage } from './garbage.js';
import { BLOCK_BYTES, deleteArtifacts } from './heal-file.js';
import type { NeededArtifacts } from './needed-artifacts.js';

/** A pack is rewritten where that frees so much of it. */
const MIN_FREED_SHARE = 1 / 4;

/** Packs that no final record refers to, and those of which much is not needed. What is damaged is kept. */
export async function* findPackGarbage(
  folder: string,
  { packs }: Pick<NeededArtifacts, 'packs'>,
): AsyncGenerator<Garbage> {
  for (const pack of await listPacks(folder)) {
    const path = join(folder, pack);
    const { size } = await stat(path);
    const needed = packs.get(pack);
    if (!needed) {
      const remove = () => rm(path, { force: true });
      yield { path, why: 'no final record of a run refers to an artifact in it', bytes: size, remove };
      continue;
    }
    const neededBytes = [...needed].reduce((sum, [from, to]) => sum + to - from, 0);
    if (size - neededBytes < size * MIN_FREED_SHARE) continue;
    const holes = await findHoles(path, needed);
    const bytes = holes.reduce((sum, hole) => sum + wholeBlocks(hole), 0);
    if (bytes < size * MIN_FREED_SHARE) continue;
    const why = 'parts of it to which no final record of a run refers';
    yield { path, why, bytes, remove: () => deleteArtifacts(path, holes) };
  }
}

/** Artifacts that are not needed; neighbours are one hole. */
async function findHoles(path: string, needed: ReadonlyMap<number, number>): Promise<ByteRange[]> {
  const holes: { from: number; to: number }[] = [];
  for (const { kind, from, to } of parsePack(await readFile(path))) {
    if (kind !== 'artifact' || needed.has(from)) continue;
    const last = holes.at(-1);
    if (last?.to === from) last.to = to;
    else holes.push({ from, to });
  }
  return holes;
}

/** What a filesystem frees for a hole. */
const wholeBlocks = ({ from, to }: ByteRange): number =>
  Math.max(0, Math.floor(to / BLOCK_BYTES) - Math.ceil(from / BLOCK_BYTES)) * BLOCK_BYTES;
