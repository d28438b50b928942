import type { Store } from '../storage/store.js';
import { resolvePrefix } from './resolve-prefix.js';

/**
 * The id of the experiment that a prefix means.
 *
 * @throws UsageError where there is none or there are several
 */
export async function resolveExperiment(store: Store, prefix: string): Promise<string> {
  return resolvePrefix(prefix, await store.experiments(), {
    kind: 'experiment',
    next: 'metalab list shows the experiments of the store; --store names another store',
  });
}
