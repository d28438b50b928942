import { StoreError } from '../../definition/errors.js';
import type { ArtifactDescriptor, RunRecord } from '../../definition/record.js';
import { fetchArtifacts } from '../../execution/fetch-artifacts.js';
import { openCluster } from '../../execution/open-cluster.js';
import { experimentFolderIn } from '../../execution/slurm/spool/spool-layout.js';
import { StoredArtifacts } from '../../storage/file/artifacts.js';
import type { FileStore } from '../../storage/file/file-store.js';
import type { Prompter } from '../../transport/prompter.js';
import { clustersOf } from './clusters-of.js';

/**
 * Fetches an artifact's bytes into the store: a cluster run's artifacts stay there until requested.
 *
 * @param options.prompter asks the user if the cluster's login needs it
 * @throws StoreError if they are in neither place; TransportError if the cluster can't be asked
 */
export async function bringArtifact(
  store: FileStore,
  record: RunRecord,
  artifact: ArtifactDescriptor,
  options: { readonly prompter?: Prompter | undefined; readonly say?: (line: string) => void } = {},
): Promise<void> {
  const { experiment_id, provenance } = record;
  const folder = store.experimentFolder(experiment_id);
  // A run on this machine has no cluster to ask; opening the artifact reports that it is missing.
  if (typeof provenance.environment !== 'string' || (await isHere(folder, artifact))) return;
  const clusters = await clustersOf(store, experiment_id, provenance.environment);
  const places: string[] = [];
  for (const cluster of clusters) {
    const { transport } = await openCluster(cluster, options.prompter);
    const there = experimentFolderIn(cluster.file_root, experiment_id);
    try {
      options.say?.(`fetching artifact '${artifact.name}' from ${transport.place}`);
      const { brought, damaged } = await fetchArtifacts(transport, { folder, there }, [artifact]);
      if (damaged.length > 0) throw damagedThere(`${transport.place}:${there}`, artifact);
      if (brought > 0) return;
      places.push(`${transport.place}:${there}`);
    } finally {
      await transport.close();
    }
  }
  if (clusters.length === 0) return;
  throw new StoreError({
    code: 'METALAB_ARTIFACT_MISSING',
    where: `environment ${provenance.environment}`,
    what: `the bytes of artifact '${artifact.name}' are neither in the store nor on the cluster: ${places.join(', ')} does not have ${artifact.uri}`,
    next: 'do the run again (submit --fresh)',
  });
}

async function isHere(folder: string, artifact: ArtifactDescriptor): Promise<boolean> {
  const stored = new StoredArtifacts(folder);
  return stored.hasSound(artifact).finally(() => stored.close());
}

const damagedThere = (where: string, { name, uri, content_hash }: ArtifactDescriptor) =>
  new StoreError({
    code: 'METALAB_ARTIFACT_DAMAGED',
    where: `${where}/${uri}`,
    what: `artifact '${name}' is damaged there`,
    expected: `SHA-256 ${content_hash}`,
    next: 'do the run again (submit --fresh)',
  });
