import { open } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { StoreError } from '../../definition/errors.js';
import type { ArtifactDescriptor } from '../../definition/record.js';
import { faultCode, storeFault } from './faults.js';

/**
 * An artifact's bytes.
 *
 * @throws StoreError where the file is gone, or its uri leads out of the experiment's folder
 */
export async function openArtifact(folder: string, artifact: ArtifactDescriptor): Promise<Readable> {
  const path = join(folder, artifact.uri);
  const inside = relative(folder, path);
  if (inside.startsWith('..') || isAbsolute(inside)) {
    throw new StoreError({
      code: 'METALAB_ARTIFACT_OUTSIDE',
      where: `artifact '${artifact.name}'`,
      what: `its uri ${JSON.stringify(artifact.uri)} leads out of the experiment's folder`,
      expected: 'artifacts/{sha256}',
    });
  }
  try {
    return (await open(path, 'r')).createReadStream();
  } catch (error) {
    if (faultCode(error) !== 'ENOENT') throw storeFault(error, path);
    throw new StoreError(
      {
        code: 'METALAB_ARTIFACT_MISSING',
        where: path,
        what: `the bytes of artifact '${artifact.name}' are not in the store`,
        next: 'copy the whole experiment folder, artifacts/ included, or do the run again (submit --fresh)',
      },
      { cause: error },
    );
  }
}
