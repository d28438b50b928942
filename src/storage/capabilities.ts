import { UsageError } from '../definition/errors.js';
import { FileStore } from './file/file-store.js';
import type {
  ArtifactOpen,
  ExperimentManifests,
  LogListing,
  LogPath,
  ResultsStore,
  Store,
  StructuredResults,
} from './store.js';

/** What a store may be able to do. */
export type Capability =
  | 'working directory'
  | 'opening artifacts'
  | 'log paths'
  | 'log listing'
  | 'structured results'
  | 'experiment manifests';

/** A store that has a folder is a file store, whatever else it has. */
export const hasWorkingDirectory = (store: Store): store is FileStore => store instanceof FileStore;

export const hasArtifactOpen = (store: Store): store is Store & ArtifactOpen => can(store, 'openArtifact');

export const hasLogPath = (store: Store): store is Store & LogPath => can(store, 'logFiles');

export const hasLogListing = (store: Store): store is Store & LogListing => can(store, 'logs');

export const hasStructuredResults = (store: Store): store is Store & StructuredResults => can(store, 'lines');

export const hasExperimentManifests = (store: Store): store is Store & ExperimentManifests =>
  can(store, 'readManifest') && can(store, 'manifests');

const can = (store: Store, method: string) =>
  typeof (store as unknown as { readonly [name: string]: unknown })[method] === 'function';

/**
 * @param needs the capability that it is needed for: a file store has all
 * @throws UsageError where it is no file store
 */
export function requireFileStore(store: Store, needs: Capability = 'working directory'): FileStore {
  if (hasWorkingDirectory(store)) return store;
  throw lacks(store, needs);
}

/** @throws UsageError where its results can't be queried */
export function requireResults(store: Store): ResultsStore {
  if (!hasStructuredResults(store)) throw lacks(store, 'structured results');
  if (!hasExperimentManifests(store)) throw lacks(store, 'experiment manifests');
  return store;
}

/** @throws UsageError where it has no artifacts */
export function requireArtifactOpen(store: Store): Store & ArtifactOpen {
  if (hasArtifactOpen(store)) return store;
  throw lacks(store, 'opening artifacts');
}

/** @throws UsageError where it has no logs */
export function requireLogListing(store: Store): Store & LogListing {
  if (hasLogListing(store)) return store;
  throw lacks(store, 'log listing');
}

const lacks = (store: Store, capability: Capability) =>
  new UsageError({
    code: 'METALAB_STORE_CAPABILITY',
    where: store.uri,
    what: `this store lacks what that needs: ${capability}`,
    expected: 'a file store, which has it, e.g. --store ./experiments',
    ...(store.uri.startsWith('postgresql:') ? { next: whereFilesAre(store.uri) } : {}),
  });

/** Of an index whose files are not here. */
function whereFilesAre(uri: string): string {
  const root = new URL(uri).searchParams.get('file_root');
  return root === null
    ? 'where its files are on this machine, add their folder to the uri: file_root=/data/experiments'
    : `there is no folder ${root} on this machine: correct file_root in the uri, or do it where the files are`;
}
