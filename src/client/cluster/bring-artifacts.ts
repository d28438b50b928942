import type { ArtifactDescriptor, RunRecord } from '../../definition/record.js';
import { fetchArtifacts } from '../../execution/fetch-artifacts.js';
import { openCluster } from '../../execution/open-cluster.js';
import { experimentFolderIn } from '../../execution/slurm/spool/spool-layout.js';
import { resultsOf } from '../../results/open.js';
import { StoredArtifacts } from '../../storage/file/artifacts.js';
import type { FileStore } from '../../storage/file/file-store.js';
import type { Prompter } from '../../transport/prompter.js';
import { resolveExperiment } from '../resolve/resolve-experiment.js';
import { resolveRun } from '../resolve/resolve-run.js';
import { clustersOf } from './clusters-of.js';

/** A run_id or its beginning; anything else is an experiment's id. */
const RUN = /^[0-9a-f]{4,32}$/;

/** Counts of what is stored: runs of a slot that saved the same bytes share one. */
export interface BroughtArtifacts {
  readonly brought: number;
  /** Were in the store. */
  readonly here: number;
  /** Neither in the store nor undamaged on a cluster. */
  readonly missing: readonly ArtifactDescriptor[];
}

interface BringOptions {
  /** Asks the user if a cluster's login needs it. */
  readonly prompter?: Prompter | undefined;
  readonly say?: (line: string) => void;
}

/**
 * Fetches all missing artifacts of a run, or of all runs of an experiment with any code and context, into the store.
 *
 * @param prefix of a run_id or of an experiment's id
 * @throws UsageError if the prefix is unknown or ambiguous; TransportError if a cluster can't be asked
 */
export async function bringArtifactsOf(
  store: FileStore,
  prefix: string,
  options: BringOptions,
): Promise<BroughtArtifacts> {
  const experiments = await store.experiments();
  if (RUN.test(prefix) && !experiments.some((id) => id.startsWith(prefix))) {
    const record = await resolveRun(store, prefix);
    return bringArtifacts(store, record.experiment_id, [record], options);
  }
  const experiment = await resolveExperiment(store, prefix);
  const results = resultsOf(store, experiment).all();
  try {
    return await bringArtifacts(store, experiment, results.records(), options);
  } finally {
    await results.close();
  }
}

/**
 * Fetches all artifacts of some runs of an experiment into the store, in few round trips.
 *
 * @throws TransportError if a cluster can't be asked: what came is kept
 */
export async function bringArtifacts(
  store: FileStore,
  experimentId: string,
  records: AsyncIterable<RunRecord> | Iterable<RunRecord>,
  options: BringOptions = {},
): Promise<BroughtArtifacts> {
  const folder = store.experimentFolder(experimentId);
  const { wanted, here } = await findWanted(folder, records);
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
  return { brought, here, missing };
}

/** By their environments, the artifacts that the store lacks; and the number of those that it has. */
async function findWanted(
  folder: string,
  records: AsyncIterable<RunRecord> | Iterable<RunRecord>,
): Promise<{ readonly wanted: Map<string, ArtifactDescriptor[]>; readonly here: number }> {
  const seen = new Set<string>();
  const wanted = new Map<string, ArtifactDescriptor[]>();
  const stored = new StoredArtifacts(folder);
  let here = 0;
  try {
    for await (const { artifacts, provenance } of records)
      for (const artifact of artifacts) {
        if (seen.has(artifact.uri)) continue;
        seen.add(artifact.uri);
        if (await stored.hasSound(artifact)) {
          here++;
          continue;
        }
        const environment = typeof provenance.environment === 'string' ? provenance.environment : '';
        const others = wanted.get(environment);
        if (others) others.push(artifact);
        else wanted.set(environment, [artifact]);
      }
  } finally {
    await stored.close();
  }
  return { wanted, here };
}
