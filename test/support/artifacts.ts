import { buffer } from 'node:stream/consumers';
import type { ArtifactContent, ArtifactDescriptor } from '../../src/definition/record.js';
import { openArtifact } from '../../src/storage/file/artifacts.js';

/** A descriptor of stored bytes. */
export const artifactOf = (stored: ArtifactContent, name = 'a'): ArtifactDescriptor => ({
  artifact_id: stored.content_hash,
  name,
  kind: 'artifact',
  format: 'bytes',
  ...stored,
  metadata: {},
});

/** @param folder the experiment's */
export const bytesOf = async (folder: string, artifact: ArtifactDescriptor): Promise<Buffer> =>
  buffer(await openArtifact(folder, artifact));
