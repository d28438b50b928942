import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { StoreError } from '../../definition/errors.js';
import type { Leasing } from '../lease.js';
import { pathOf } from '../location.js';
import type {
  ArtifactOpen,
  ExperimentManifests,
  LogListing,
  OpenOptions,
  Store,
  WorkingDirectory,
} from '../store.js';
import { openArtifact } from './artifacts.js';
import { faultCode, storeFault } from './faults.js';
import { experimentIdOf, folderOf, manifestFile } from './layout.js';
import { fileLease } from './lease.js';
import { listNames } from './list-names.js';
import { readLogs } from './logs.js';
import { makeFolder } from './make-folder.js';
import { fileManifests } from './manifests.js';
import { readRecords } from './records.js';
import { readData, readSeries } from './sidecars.js';
import { createStoreFile, readStoreFile, type StoreFile } from './store-file.js';

/** A store that is a folder. */
export type FileStore = Store & WorkingDirectory & ArtifactOpen & LogListing & ExperimentManifests & Leasing;

/**
 * Opens the store in a folder.
 *
 * @param location a path or a `file:///` uri
 * @param options.create makes the folder and `store.json` where there are none, and checks that it can be written
 * @throws StoreError where there is no store, it is of a newer scheme, can't be written, or the folder holds other things
 */
export async function openFileStore(location: string, options: OpenOptions = {}): Promise<FileStore> {
  const root = pathOf(location);
  const { id } = options.create ? await createStore(root) : await existingStore(root);
  const folder = (experimentId: string) => join(root, folderOf(experimentId));
  return {
    ...fileManifests(folder),
    ...fileLease(root),
    uri: pathToFileURL(root).href,
    id,
    root,
    experimentFolder: folder,
    experiments: () => listExperiments(root),
    records: (experimentId) => readRecords(folder(experimentId)),
    series: (record) => readSeries(folder(record.experiment_id), record),
    data: (record) => readData(folder(record.experiment_id), record),
    logs: (experimentId, run) => readLogs(folder(experimentId), run),
    openArtifact: (experimentId, artifact) => openArtifact(folder(experimentId), artifact),
    close: async () => {},
  };
}

async function createStore(root: string): Promise<StoreFile> {
  try {
    await makeFolder(root);
    const file = (await readStoreFile(root)) ?? (await createStoreFile(root));
    await access(root, constants.W_OK | constants.X_OK);
    return file;
  } catch (error) {
    throw faultCode(error) === 'EEXIST' ? notAFolder(root) : storeFault(error, root);
  }
}

async function existingStore(root: string): Promise<StoreFile> {
  const kind = await stat(root).catch((error: unknown) => {
    if (faultCode(error) === 'ENOENT') return undefined;
    throw storeFault(error, root);
  });
  if (kind && !kind.isDirectory()) throw notAFolder(root);
  const file = kind && (await readStoreFile(root));
  if (file) return file;
  throw new StoreError({
    code: 'METALAB_STORE_MISSING',
    where: root,
    what: kind ? 'the folder is no store: it has no store.json' : 'there is no store here',
    next: 'name the store with --store or METALAB_STORE; `metalab submit` makes one',
  });
}

const notAFolder = (root: string) =>
  new StoreError({
    code: 'METALAB_STORE_NOT_A_FOLDER',
    where: root,
    what: 'is a file, not a folder',
    next: 'name another store with --store',
  });

async function listExperiments(root: string): Promise<string[]> {
  const names = (await listNames(root)).filter((name) => name.includes('@'));
  const kept = await Promise.all(
    names.map((name) =>
      stat(manifestFile(join(root, name))).then(
        (file) => file.isFile(),
        () => false,
      ),
    ),
  );
  return names
    .filter((_, index) => kept[index])
    .map(experimentIdOf)
    .sort();
}
