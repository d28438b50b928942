import { partsOf, UsageError } from '../../definition/errors.js';
import type { Store } from '../../storage/store.js';
import { resolvePrefix } from './resolve-prefix.js';

/**
 * Finds an experiment's id by a prefix. An exact name wins over longer ones: `mnist` over `mnist_aug:1`.
 *
 * @throws UsageError if there is none or several, including several versions of one name
 */
export async function resolveExperiment(store: Store, prefix: string): Promise<string> {
  const ids = await store.experiments();
  const ofThatName = ids.filter((id) => id.startsWith(`${prefix}:`));
  return resolvePrefix(prefix, ofThatName.length > 0 ? ofThatName : ids, {
    kind: 'experiment',
    next: 'metalab list shows the experiments of the store; --store names another store',
  });
}

/**
 * The same of several prefixes, each once.
 *
 * @param prefixes none: all experiments of the store
 * @throws UsageError about every prefix that fits none or several
 */
export async function resolveExperiments(store: Store, prefixes: readonly string[] = []): Promise<string[]> {
  if (prefixes.length === 0) return store.experiments();
  const ids = new Set<string>();
  const problems: UsageError[] = [];
  for (const prefix of prefixes) {
    try {
      ids.add(await resolveExperiment(store, prefix));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      problems.push(error);
    }
  }
  const [first] = problems;
  if (first) throw new UsageError(partsOf(problems, first.code));
  return [...ids];
}
