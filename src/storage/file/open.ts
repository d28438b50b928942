import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { FINGERPRINT_SCHEME } from '../../definition/declaration.js';
import { StoreError } from '../../definition/errors.js';
import { pathOf } from '../location.js';
import type { PostgresSettings } from '../postgresql/settings.js';
import { writeOnce } from './atomic-write.js';
import { faultCode, storeFault } from './faults.js';
import { FileStore, type StoreFile } from './file-store.js';
import { storeFile } from './layout.js';
import { makeFolder } from './make-folder.js';
import { readJson } from './read-json.js';

/** How a store is opened. */
export interface OpenOptions {
  /** Make the store where there is none yet. Without it, a store that isn't there is an error. */
  readonly create?: boolean;
  /** The index that is kept of it. */
  readonly index?: PostgresSettings;
}

/**
 * Opens the store in a folder.
 *
 * @param location a path or a `file://` uri
 * @throws StoreError where there is no store, it is of a newer scheme, can't be written, or the folder holds other things
 */
export async function openFileStore(location: string, options: OpenOptions = {}): Promise<FileStore> {
  const root = pathOf(location);
  const { id, scheme } = options.create ? await createStore(root) : await existingStore(root);
  return new FileStore(root, { id, scheme }, options.index);
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

/**
 * @returns `undefined` where the folder has no `store.json`
 * @throws StoreError where it is of a newer scheme or unreadable
 */
async function readStoreFile(root: string): Promise<StoreFile | undefined> {
  const content = await readJson<StoreFile>(storeFile(root));
  if (!content) return undefined;
  if (typeof content.id !== 'string' || !Number.isInteger(content.scheme)) {
    throw new StoreError({
      code: 'METALAB_STORE_CORRUPT',
      where: storeFile(root),
      what: 'has no id or no scheme',
      expected: `{"id":"16 hex digits","scheme":${FINGERPRINT_SCHEME},"created_at":"…"}`,
      next: 'restore the file from a copy, or name another store with --store',
    });
  }
  if (content.scheme > FINGERPRINT_SCHEME) {
    throw new StoreError({
      code: 'METALAB_STORE_NEWER',
      where: root,
      what: `the store is of scheme ${content.scheme}`,
      expected: `scheme ${FINGERPRINT_SCHEME} or older, which this metalab reads`,
      next: 'upgrade metalab (npm install metalab@latest), or name another store with --store',
    });
  }
  return content;
}

/** Makes an empty folder a store. Of several creators at once one wins, and all get the winner's id. */
async function createStoreFile(root: string): Promise<StoreFile> {
  await refuseForeignContent(root);
  const content = {
    id: randomBytes(8).toString('hex'),
    scheme: FINGERPRINT_SCHEME,
    created_at: new Date().toISOString(),
  };
  const text = `${JSON.stringify(content)}\n`;
  await writeOnce(storeFile(root), text);
  return (await readStoreFile(root))!;
}

async function refuseForeignContent(root: string): Promise<void> {
  const foreign = (await readdir(root)).filter((name) => !name.startsWith('.') && name !== 'lost+found');
  // Another creator may have been quicker: then the folder is no longer empty, and is a store.
  if (foreign.length === 0 || foreign.includes('store.json')) return;
  const shown = foreign.slice(0, 3).map((name) => JSON.stringify(name));
  throw new StoreError({
    code: 'METALAB_STORE_FOREIGN',
    where: root,
    what: `the folder is no store, and holds other things: ${shown.join(', ')}${foreign.length > 3 ? ` and ${foreign.length - 3} more` : ''}`,
    expected: 'a store (a folder with store.json), an empty folder, or none yet',
    next: `name another folder, e.g. --store ${JSON.stringify(`${root}/metalab`)}`,
  });
}
