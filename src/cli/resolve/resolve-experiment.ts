import type { Store } from '../../storage/store.js';
import { resolvePrefix } from './resolve-prefix.js';

/**
 * The id of the experiment that a prefix means. An exact name wins over longer ones: `mnist` over `mnist_aug:1`.
 *
 * @throws UsageError where there is none or there are several, also where a name has several versions
 */
export async function resolveExperiment(store: Store, prefix: string): Promise<string> {
  const ids = await store.experiments();
  const ofThatName = ids.filter((id) => id.startsWith(`${prefix}:`));
  return resolvePrefix(prefix, ofThatName.length > 0 ? ofThatName : ids, {
    kind: 'experiment',
    next: 'metalab list shows the experiments of the store; --store names another store',
  });
}
