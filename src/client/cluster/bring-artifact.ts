import { StoreError } from '../../definition/errors.js';
import type { ArtifactDescriptor, RunRecord } from '../../definition/record.js';
import { fetchArtifact, hasArtifact } from '../../execution/fetch-artifact.js';
import { openCluster } from '../../execution/open-cluster.js';
import { experimentFolderIn } from '../../execution/slurm/spool/spool-layout.js';
import type { Store } from '../../storage/store.js';
import type { Prompter } from '../../transport/prompter.js';
import { TransportError } from '../../transport/transport-error.js';
import { clustersOf } from './clusters-of.js';

/**
 * Fetches an artifact's bytes into the store: a cluster run's artifacts stay there until requested.
 *
 * @param options.prompter asks the user if the cluster's login needs it
 * @throws StoreError if they are in neither place; TransportError if the cluster can't be asked
 */
export async function bringArtifact(
  store: Store,
  record: RunRecord,
  artifact: ArtifactDescriptor,
  options: { readonly prompter?: Prompter | undefined; readonly say?: (line: string) => void } = {},
): Promise<void> {
  const { experiment_id, provenance } = record;
  const folder = store.experimentFolder(experiment_id);
  // A run on this machine has no cluster to ask; opening the artifact reports that it is missing.
  if (typeof provenance.environment !== 'string' || (await hasArtifact(folder, artifact))) return;
  const clusters = await clustersOf(store, experiment_id, provenance.environment);
  let missing: unknown;
  for (const cluster of clusters) {
    const { transport } = await openCluster(cluster, options.prompter);
    try {
      options.say?.(`fetching artifact '${artifact.name}' from ${transport.place}`);
      await fetchArtifact(
        transport,
        { folder, there: experimentFolderIn(cluster.file_root, experiment_id) },
        artifact,
      );
      return;
    } catch (error) {
      if (!(error instanceof TransportError) || error.code !== 'METALAB_TRANSPORT_FILE') throw error;
      missing = error;
    } finally {
      await transport.close();
    }
  }
  if (clusters.length === 0) return;
  throw new StoreError(
    {
      code: 'METALAB_ARTIFACT_MISSING',
      where: `environment ${provenance.environment}`,
      what: `the bytes of artifact '${artifact.name}' are neither in the store nor on the cluster: ${(missing as TransportError).what}`,
      next: 'do the run again (submit --fresh)',
    },
    { cause: missing },
  );
}
