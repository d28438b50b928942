import type { ArtifactDescriptor, RunRecord } from '../../definition/record.js';
import { hasArtifact } from '../../execution/fetch-artifact.js';
import { fetchArtifacts } from '../../execution/fetch-artifacts.js';
import { openCluster } from '../../execution/open-cluster.js';
import { experimentFolderIn } from '../../execution/slurm/spool/spool-layout.js';
import { hasExperimentManifests, hasWorkingDirectory, type Store } from '../../storage/store.js';
import type { Prompter } from '../../transport/prompter.js';
import { clustersOf } from './clusters-of.js';

/** Counts of distinct contents: two runs that saved the same bytes share one. */
export interface BroughtArtifacts {
  readonly brought: number;
  /** Were in the store. */
  readonly here: number;
  /** Neither in the store nor undamaged on a cluster. */
  readonly missing: readonly ArtifactDescriptor[];
}

/**
 * Fetches all artifacts of some runs of an experiment into the store, in few round trips.
 *
 * @param options.prompter asks the user if a cluster's login needs it
 * @throws TransportError if a cluster can't be asked: what came is kept
 */
export async function bringArtifacts(
  store: Store,
  experimentId: string,
  records: AsyncIterable<RunRecord>,
  options: { readonly prompter?: Prompter | undefined; readonly say?: (line: string) => void } = {},
): Promise<BroughtArtifacts> {
  if (!hasWorkingDirectory(store) || !hasExperimentManifests(store))
    return { brought: 0, here: 0, missing: [] };
  const folder = store.experimentFolder(experimentId);
  const seen = new Set<string>();
  const wanted = new Map<string, ArtifactDescriptor[]>();
  for await (const { artifacts, provenance } of records)
    for (const artifact of artifacts) {
      if (seen.has(artifact.content_hash)) continue;
      seen.add(artifact.content_hash);
      if (await hasArtifact(folder, artifact)) continue;
      const environment = typeof provenance.environment === 'string' ? provenance.environment : '';
      const others = wanted.get(environment);
      if (others) others.push(artifact);
      else wanted.set(environment, [artifact]);
    }
  const missing: ArtifactDescriptor[] = [];
  let brought = 0;
  for (const [environment, artifacts] of wanted) {
    let left: readonly ArtifactDescriptor[] = artifacts;
    for (const cluster of await clustersOf(store, experimentId, environment)) {
      if (left.length === 0) break;
      const { transport } = await openCluster(cluster, options.prompter);
      options.say?.(`fetching ${left.length} artifacts from ${transport.place}`);
      const places = { folder, there: experimentFolderIn(cluster.file_root, experimentId) };
      try {
        const fetched = await fetchArtifacts(transport, places, left);
        brought += fetched.brought;
        left = [...fetched.absent, ...fetched.damaged];
      } finally {
        await transport.close();
      }
    }
    missing.push(...left);
  }
  const here = seen.size - brought - missing.length;
  return { brought, here, missing };
}
