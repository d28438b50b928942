import { open, stat } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { StoreError } from '../../definition/errors.js';
import type { ArtifactContent, ArtifactDescriptor } from '../../definition/record.js';
import { faultCode, storeFault } from './faults.js';
import { FileWindows } from './file-windows.js';
import { hasItsHash, type PackPlace, packRange, parsePackUri, unpack } from './formats/pack.js';

/** Tells which artifacts' bytes a store has. Packs stay open between questions. */
export class StoredArtifacts {
  readonly #folder: string;
  readonly #windows = new FileWindows();

  /** @param folder the experiment's */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A file of another size counts as missing. */
  async has(artifact: ArtifactContent): Promise<boolean> {
    const place = parsePackUri(artifact.uri);
    if (place) return (await this.packed(artifact, place)) !== undefined;
    const found = await stat(join(this.#folder, artifact.uri)).catch(() => undefined);
    return found?.size === artifact.size_bytes;
  }

  /** The same, and packed bytes must have the artifact's hash. */
  async hasSound(artifact: ArtifactContent): Promise<boolean> {
    const place = parsePackUri(artifact.uri);
    if (!place) return this.has(artifact);
    const bytes = await this.packed(artifact, place);
    return bytes !== undefined && hasItsHash(bytes, artifact);
  }

  /** A packed artifact's bytes, unverified; undefined if the pack is gone, ends before, or has something else there. */
  async packed(artifact: ArtifactContent, place: PackPlace): Promise<Buffer | undefined> {
    const path = join(this.#folder, place.pack);
    const { from } = packRange(artifact.content_hash, place);
    if (from < 0) return undefined;
    try {
      return unpack(await this.#windows.from(path, from, place.offset - from + place.size), artifact);
    } catch (error) {
      if (faultCode(error) === 'ENOENT') return undefined;
      throw storeFault(error, path);
    }
  }

  close(): Promise<void> {
    return this.#windows.close();
  }
}

/**
 * An artifact's bytes. Those from a pack are verified.
 *
 * @throws StoreError where they are gone or damaged, or its uri leads out of the experiment's folder
 */
export async function openArtifact(folder: string, artifact: ArtifactDescriptor): Promise<Readable> {
  const place = parsePackUri(artifact.uri);
  if (place) return Readable.from([await readPacked(folder, artifact, place)]);
  const path = join(folder, artifact.uri);
  const inside = relative(folder, path);
  if (inside.startsWith('..') || isAbsolute(inside)) {
    throw new StoreError({
      code: 'METALAB_ARTIFACT_OUTSIDE',
      where: `artifact '${artifact.name}'`,
      what: `its uri ${JSON.stringify(artifact.uri)} leads out of the experiment's folder`,
      expected: 'artifacts/{sha256}, or packs/{submission}/{pack}#{offset},{size}',
    });
  }
  try {
    return (await open(path, 'r')).createReadStream();
  } catch (error) {
    if (faultCode(error) !== 'ENOENT') throw storeFault(error, path);
    throw missing(path, artifact, error);
  }
}

async function readPacked(folder: string, artifact: ArtifactDescriptor, place: PackPlace): Promise<Buffer> {
  const stored = new StoredArtifacts(folder);
  try {
    const bytes = await stored.packed(artifact, place);
    const path = join(folder, place.pack);
    if (!bytes) throw missing(path, artifact);
    if (!hasItsHash(bytes, artifact)) throw damagedArtifact(path, artifact);
    return bytes;
  } finally {
    await stored.close();
  }
}

const missing = (where: string, { name }: ArtifactDescriptor, cause?: unknown) =>
  new StoreError(
    {
      code: 'METALAB_ARTIFACT_MISSING',
      where,
      what: `the bytes of artifact '${name}' are not in the store`,
      next: 'copy the whole experiment folder, artifacts/ and packs/ included, or do the run again (submit --fresh)',
    },
    { cause },
  );

/** An artifact's bytes in the store do not have its hash. */
export const damagedArtifact = (where: string, { name, content_hash }: ArtifactDescriptor) =>
  new StoreError({
    code: 'METALAB_ARTIFACT_DAMAGED',
    where,
    what: `the bytes of artifact '${name}' in the store are damaged`,
    expected: `SHA-256 ${content_hash}`,
    next: 'metalab store check',
  });
