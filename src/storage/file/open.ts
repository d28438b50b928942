import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { StoreError } from '../../definition/errors.js';
import { pathOf } from '../location.js';
import { Store } from '../store.js';
import { faultCode, storeFault } from './faults.js';
import { makeFolder } from './make-folder.js';
import { createStoreFile, readStoreFile, type StoreFile } from './store-file.js';

/** How a store is opened. */
export interface OpenOptions {
  /** Make the store where there is none yet. Without it, a store that isn't there is an error. */
  readonly create?: boolean;
}

/**
 * Opens the store in a folder.
 *
 * @param location a path or a `file://` uri
 * @throws StoreError where there is no store, it is of a newer scheme, can't be written, or the folder holds other things
 */
export async function openFileStore(location: string, options: OpenOptions = {}): Promise<Store> {
  const root = pathOf(location);
  const { id } = options.create ? await createStore(root) : await existingStore(root);
  return new Store(root, id);
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
