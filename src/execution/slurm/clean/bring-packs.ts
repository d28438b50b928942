import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { hashContent } from '../../../identity/hash-content.js';
import { faultCode } from '../../../storage/file/faults.js';
import { parsePack } from '../../../storage/file/formats/pack.js';
import { temporaryBeside } from '../../../storage/file/owner.js';
import type { Transport } from '../../../transport/transport.js';
import type { ArtifactPlaces } from '../../fetch-artifacts.js';
import { once } from '../ask-once.js';
import type { Difference } from './bring-home.js';

/**
 * Fetches packs as they are on the cluster, in place of the store's copies, which may have holes.
 *
 * @returns the differences that remain: other files, and packs that changed meanwhile or lack what the store's have
 */
export async function bringPacks(
  transport: Transport,
  places: ArtifactPlaces,
  differences: readonly Difference[],
): Promise<Difference[]> {
  const left: Difference[] = [];
  for (const difference of differences) {
    const isPack = difference.name.startsWith('packs/') && difference.sum !== undefined;
    if (!isPack || !(await bringPack(transport, places, difference))) left.push(difference);
  }
  return left;
}

async function bringPack(
  transport: Transport,
  { folder, there }: ArtifactPlaces,
  { name, sum }: Difference,
): Promise<boolean> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryBeside(path);
  try {
    const file = await open(temporary, 'wx');
    await once(transport, () => copy(transport, posix.join(there, name), file)).finally(() => file.close());
    if ((await hashContent(temporary)).content_hash !== sum) return false;
    if (!(await hasAllOf(temporary, path))) return false;
    await rename(temporary, path);
    return true;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function copy(transport: Transport, from: string, file: FileHandle): Promise<void> {
  for await (const piece of transport.read(from)) await file.writeFile(piece);
  await file.sync();
}

/** Whether a pack has each artifact of another, which may be gone. */
async function hasAllOf(path: string, other: string): Promise<boolean> {
  const had = await readFile(other).catch((error: unknown) => {
    if (faultCode(error) !== 'ENOENT') throw error;
    return undefined;
  });
  if (!had) return true;
  const bytes = await readFile(path);
  return parsePack(had).every(
    ({ kind, from, to }) => kind !== 'artifact' || bytes.subarray(from, to).equals(had.subarray(from, to)),
  );
}
