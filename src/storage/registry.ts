import { fileURLToPath } from 'node:url';
import { UsageError } from '../definition/errors.js';
import { nearestName } from '../definition/nearest.js';
import { type Extension, installedExtensions } from '../extensions/installed.js';
import { loadExtension } from '../extensions/load.js';
import { discoverLocation } from './discovery.js';
import type { FileStore } from './file/file-store.js';
import type { OpenOptions } from './file/open.js';
import { maskPassword } from './postgresql/settings.js';
import type { Store } from './store.js';
import { parseSettings, type StoreSettings } from './store-settings.js';

/**
 * What a package exports for a scheme: the folder that a location means, or a store of its own, a new object each time.
 *
 * @param location the whole uri
 * @returns a store, or an absolute path, or one relative to where the process is
 */
export type LocateStore = (location: string) => string | Store | Promise<string | Store>;

/** Opens the store that a path or uri names. Throws as {@link connectStore}. */
export async function openStore(location: string, options?: OpenOptions): Promise<Store> {
  return connectStore(parseSettings(location), options);
}

/** The same of a store with a folder. @throws UsageError also where it has none */
export async function openWorkingDirectory(location: string, options?: OpenOptions): Promise<FileStore> {
  const store = await openStore(location, options);
  return (await import('./capabilities.js')).requireFileStore(store);
}

/**
 * Opens a store. A scheme that metalab does not have is that of a package that is installed where the process is, or where
 * metalab is.
 *
 * @throws UsageError where no package has that scheme, or no service runs
 * @throws StoreError where the store can't be opened
 */
export async function connectStore(settings: StoreSettings, options?: OpenOptions): Promise<Store> {
  switch (settings.scheme) {
    case 'file':
      return (await import('./file/open.js')).openFileStore(settings.path, options);
    case 'postgresql':
      return (await import('./postgresql/open.js')).openPostgresStore(settings, options);
    case 'discover':
      return connectDiscovered(options);
    case 'package':
      return openOfPackage(settings.uri, settings.name, options);
  }
}

async function connectDiscovered(options: OpenOptions | undefined): Promise<Store> {
  const location = await discoverLocation();
  if (location !== undefined) return openStore(location, options);
  throw new UsageError({
    code: 'METALAB_STORE_DISCOVER',
    what: "services are not looked for here, so 'discover' finds none",
    expected: 'the store itself',
    next: 'name it, e.g. ./experiments; `metalab services status --store-locator` prints it',
  });
}

async function openOfPackage(uri: string, scheme: string, options: OpenOptions | undefined): Promise<Store> {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const places = await Promise.all(
    [process.cwd(), here].map((place) => installedExtensions('stores', place)),
  );
  const installed = places.flat();
  const extension = installed.find(({ name }) => name === scheme);
  if (!extension) throw unknownScheme(uri, scheme, installed);
  const store: unknown = await ((await loadExtension(extension)) as LocateStore)(uri);
  if (typeof store === 'string') return (await import('./file/open.js')).openFileStore(store, options);
  if (isStore(store)) return store;
  throw new UsageError({
    code: 'METALAB_EXTENSION',
    where: `package ${extension.package}`,
    what: `its store '${scheme}' names no folder for ${uri}, and is none itself`,
    expected: 'a function that gives the path of a folder, or an object with `uri` and `experiments()`',
  });
}

const isStore = (value: unknown): value is Store =>
  typeof value === 'object' &&
  value !== null &&
  'uri' in value &&
  typeof value.uri === 'string' &&
  'experiments' in value &&
  typeof value.experiments === 'function';

function unknownScheme(uri: string, scheme: string, installed: readonly Extension[]): UsageError {
  const known = [...new Set(['file', 'postgresql', ...installed.map(({ name }) => name)])];
  const near = nearestName(scheme, known);
  return new UsageError({
    code: 'METALAB_STORE_SCHEME',
    what: `there is no kind of store with the scheme '${scheme}'`,
    where: maskPassword(uri),
    expected: `a path, or a uri of one of: ${known.join(', ')}`,
    next: near
      ? `did you mean ${near}?`
      : `install the package that provides it in the project: its package.json has "metalab": { "stores": { "${scheme}": "./….js" } }`,
  });
}
