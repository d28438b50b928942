import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { StoreError } from '../definition/errors.js';
import type { ArtifactDescriptor } from '../definition/record.js';
import { artifactsFolder } from '../storage/file/layout.js';
import { temporaryName } from '../storage/file/owner.js';
import type { Transport } from './transport/transport.js';

/** An experiment's folder in the store, and the same on the cluster. */
export interface ArtifactPlaces {
  readonly folder: string;
  /** Absolute, or relative to the login's home. */
  readonly there: string;
}

/** Whether the store has an artifact's bytes. Of another size they are damaged, and count as missing. */
export async function hasArtifact(folder: string, artifact: ArtifactDescriptor): Promise<boolean> {
  const found = await stat(join(folder, artifact.uri)).catch(() => undefined);
  return found?.size === artifact.size_bytes;
}

/**
 * Brings an artifact from a cluster's spool into the store: whole and verified, or not at all.
 *
 * @throws StoreError METALAB_ARTIFACT_DAMAGED where it is not what its name says; TransportError where the cluster can't be
 *   asked (or has it no more: METALAB_TRANSPORT_FILE); the system's error where the store can't be written
 */
export async function fetchArtifact(
  transport: Transport,
  { folder, there }: ArtifactPlaces,
  { name, content_hash }: ArtifactDescriptor,
): Promise<void> {
  const from = posix.join(there, 'artifacts', content_hash);
  const place = artifactsFolder(folder);
  await mkdir(place, { recursive: true });
  const temporary = join(place, `.tmp-${temporaryName()}`);
  const file = await open(temporary, 'wx');
  try {
    const hash = createHash('sha256');
    for await (const piece of transport.read(from)) {
      hash.update(piece);
      await file.write(piece);
    }
    await file.sync();
    const found = hash.digest('hex');
    if (found !== content_hash) {
      throw new StoreError({
        code: 'METALAB_ARTIFACT_DAMAGED',
        where: `${transport.place}:${from}`,
        what: `artifact '${name}' is damaged there`,
        expected: `SHA-256 ${content_hash}, not ${found}`,
        next: 'do the run again (submit --fresh)',
      });
    }
    await rename(temporary, join(place, content_hash));
  } finally {
    await file.close();
    await rm(temporary, { force: true });
  }
}
