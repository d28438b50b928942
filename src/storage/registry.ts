import { UsageError } from '../definition/errors.js';
import { schemeOf } from './location.js';
import type { Store } from './store.js';

export interface OpenOptions {
  /** Make the store where there is none yet. Without it, a store that isn't there is an error. */
  readonly create?: boolean;
}

type OpenStore = (location: string, options?: OpenOptions) => Promise<Store>;

/** How stores are opened, by the scheme of their uri. */
const STORES: { readonly [scheme: string]: () => Promise<OpenStore> } = {
  file: async () => (await import('./file/open.js')).openFileStore,
};

/**
 * Opens the store that a path or uri names.
 *
 * @throws UsageError where no kind of store has that scheme
 * @throws StoreError where the store can't be opened
 */
export async function openStore(location: string, options?: OpenOptions): Promise<Store> {
  const scheme = schemeOf(location);
  const load = Object.hasOwn(STORES, scheme) ? STORES[scheme] : undefined;
  if (!load) {
    throw new UsageError({
      code: 'METALAB_STORE_SCHEME',
      what: `there is no kind of store with the scheme '${scheme}'`,
      where: location,
      expected: `a path, or a uri of one of: ${Object.keys(STORES).join(', ')}`,
    });
  }
  return (await load())(location, options);
}
