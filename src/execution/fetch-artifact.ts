import { stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { StoreError } from '../definition/errors.js';
import type { ArtifactDescriptor } from '../definition/record.js';
import type { Transport } from '../transport/transport.js';
import { IncomingArtifact } from './incoming-artifact.js';

/** An experiment's folder in the store, and its folder on the cluster. */
export interface ArtifactPlaces {
  readonly folder: string;
  /** Absolute, or relative to the login's home. */
  readonly there: string;
}

/** What identifies an artifact's bytes: their SHA-256, which names their file, and their number. */
export type ArtifactContent = Pick<ArtifactDescriptor, 'content_hash' | 'uri' | 'size_bytes'>;

/** Whether the store has an artifact's bytes. A file of another size is damaged and counts as missing. */
export async function hasArtifact(folder: string, artifact: ArtifactContent): Promise<boolean> {
  const found = await stat(join(folder, artifact.uri)).catch(() => undefined);
  return found?.size === artifact.size_bytes;
}

/**
 * Copies an artifact from a cluster's spool into the store: whole and verified, or not at all.
 *
 * @throws StoreError METALAB_ARTIFACT_DAMAGED if the content does not match the name; TransportError if the cluster
 *   can't be reached (or no longer has the artifact: METALAB_TRANSPORT_FILE); the system's error if the store can't be
 *   written
 */
export async function fetchArtifact(
  transport: Transport,
  { folder, there }: ArtifactPlaces,
  { name, content_hash }: ArtifactDescriptor,
): Promise<void> {
  const from = posix.join(there, 'artifacts', content_hash);
  const artifact = await IncomingArtifact.begin(folder, content_hash);
  try {
    for await (const piece of transport.read(from)) await artifact.add(piece);
    const found = await artifact.keep(content_hash);
    if (found === content_hash) return;
    throw new StoreError({
      code: 'METALAB_ARTIFACT_DAMAGED',
      where: `${transport.place}:${from}`,
      what: `artifact '${name}' is damaged there`,
      expected: `SHA-256 ${content_hash}, not ${found}`,
      next: 'do the run again (submit --fresh)',
    });
  } finally {
    await artifact.close();
  }
}
