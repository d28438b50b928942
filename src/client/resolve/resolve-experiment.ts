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
