import type { LogLine } from '../../definition/record.js';
import { findRuns } from '../../results/find-runs.js';
import { listSegments, readObjects } from '../../storage/file/segments.js';
import { hasWorkingDirectory, type Store } from '../../storage/store.js';
import { resolvePrefix } from './resolve-prefix.js';

/**
 * Finds a run by a prefix of its run_id, even if it has no record yet but has logged something.
 *
 * @throws UsageError if the prefix is unknown or ambiguous
 */
export async function resolveLogs(store: Store, prefix: string): Promise<{ folder: string; run_id: string }> {
  const folders = new Map<string, string>();
  if (hasWorkingDirectory(store)) {
    for (const { run_id, experiment_id } of await findRuns(store, [prefix])) {
      folders.set(run_id, store.experimentFolder(experiment_id));
    }
    for (const experimentId of folders.size === 0 ? await store.experiments() : []) {
      const folder = store.experimentFolder(experimentId);
      for (const { path } of await listSegments(folder, 'logs')) {
        for await (const { object } of readObjects<LogLine>(path, { matching: `"run_id":"${prefix}` })) {
          if (object.run_id.startsWith(prefix)) folders.set(object.run_id, folder);
        }
      }
    }
  }
  const runId = resolvePrefix(prefix, [...folders.keys()], {
    kind: 'run',
    next: 'a run that has not logged anything yet cannot be found: try again, or see metalab status',
  });
  return { run_id: runId, folder: folders.get(runId) ?? '' };
}
