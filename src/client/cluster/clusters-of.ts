import type { ResolvedEnvironment, SlurmEnvironment } from '../../config/resolved-config.js';
import { isCluster } from '../../execution/open-cluster.js';
import type { FileStore } from '../../storage/file/file-store.js';

/** Environments that submissions had under this name, latest first: a name may have meant another cluster before. */
export async function clustersOf(
  store: FileStore,
  experimentId: string,
  name: string,
): Promise<SlurmEnvironment[]> {
  const found = new Map<string, SlurmEnvironment>();
  for (const submission of (await store.submissions(experimentId)).reverse()) {
    const manifest = await store.readSubmission(experimentId, submission);
    const environment: ResolvedEnvironment | undefined = manifest?.environment;
    if (environment?.name !== name || !isCluster(environment)) continue;
    const place = JSON.stringify([environment.gateway, environment.file_root]);
    if (!found.has(place)) found.set(place, environment);
  }
  return [...found.values()];
}
