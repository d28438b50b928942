import { fileURLToPath } from 'node:url';
import { UsageError } from '../definition/errors.js';
import { installedExtensions } from '../extensions/installed.js';
import { loadExtension } from '../extensions/load.js';
import { schemeOf } from './location.js';
import type { OpenOptions, Store } from './store.js';

type OpenStore = (location: string, options?: OpenOptions) => Promise<Store>;

/** How stores are opened, by the scheme of their uri: metalab's own. */
const STORES: { readonly [scheme: string]: () => Promise<OpenStore> } = {
  file: async () => (await import('./file/open.js')).openFileStore,
};

/**
 * Opens the store that a path or uri names. Beside metalab's own kinds there are those of packages that are installed where
 * the process is, or where metalab is.
 *
 * @throws UsageError where no kind of store has that scheme
 * @throws StoreError where the store can't be opened
 */
export async function openStore(location: string, options?: OpenOptions): Promise<Store> {
  const scheme = schemeOf(location);
  const load = Object.hasOwn(STORES, scheme) ? STORES[scheme] : undefined;
  if (load) return (await load())(location, options);
  const here = fileURLToPath(new URL('.', import.meta.url));
  const places = await Promise.all(
    [process.cwd(), here].map((place) => installedExtensions('stores', place)),
  );
  const installed = places.flat();
  const extension = installed.find(({ name }) => name === scheme);
  if (extension) return ((await loadExtension(extension)) as OpenStore)(location, options);
  const schemes = new Set([...Object.keys(STORES), ...installed.map(({ name }) => name)]);
  throw new UsageError({
    code: 'METALAB_STORE_SCHEME',
    what: `there is no kind of store with the scheme '${scheme}'`,
    where: location,
    expected: `a path, or a uri of one of: ${[...schemes].join(', ')}`,
  });
}
