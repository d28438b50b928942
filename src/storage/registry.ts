import { fileURLToPath } from 'node:url';
import { UsageError } from '../definition/errors.js';
import { installedExtensions } from '../extensions/installed.js';
import { loadExtension } from '../extensions/load.js';
import type { OpenOptions } from './file/open.js';
import { schemeOf } from './location.js';
import type { Store } from './store.js';

/**
 * What a package exports for a scheme: which folder a location means.
 *
 * @param location the whole uri
 * @returns an absolute path, or one relative to where the process is
 */
export type LocateStore = (location: string) => string | Promise<string>;

/**
 * Opens the store that a path or uri names. A scheme other than `file` is that of a package that is installed where the
 * process is, or where metalab is.
 *
 * @throws UsageError where no package has that scheme
 * @throws StoreError where the store can't be opened
 */
export async function openStore(location: string, options?: OpenOptions): Promise<Store> {
  const scheme = schemeOf(location);
  const folder = scheme === 'file' ? location : await locate(location, scheme);
  return (await import('./file/open.js')).openFileStore(folder, options);
}

async function locate(location: string, scheme: string): Promise<string> {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const places = await Promise.all(
    [process.cwd(), here].map((place) => installedExtensions('stores', place)),
  );
  const installed = places.flat();
  const extension = installed.find(({ name }) => name === scheme);
  if (extension) {
    const folder: unknown = await ((await loadExtension(extension)) as LocateStore)(location);
    if (typeof folder === 'string') return folder;
    throw new UsageError({
      code: 'METALAB_EXTENSION',
      where: `package ${extension.package}`,
      what: `its store '${scheme}' names no folder for ${location}`,
      expected: 'a function that gives the path of a folder',
    });
  }
  throw new UsageError({
    code: 'METALAB_STORE_SCHEME',
    what: `there is no kind of store with the scheme '${scheme}'`,
    where: location,
    expected: `a path, or a uri of one of: ${[...new Set(['file', ...installed.map(({ name }) => name)])].join(', ')}`,
  });
}
