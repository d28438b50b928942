import { existsSync } from 'node:fs';
import { StoreError } from '../../definition/errors.js';
import { type OpenOptions, openFileStore } from '../file/open.js';
import type { Store } from '../store.js';
import { connectIndex } from './connect.js';
import { indexFault } from './faults.js';
import { isUpToDate } from './migrate.js';
import { PostgresStore } from './postgres-store.js';
import { type PostgresSettings, postgresUri } from './settings.js';

/**
 * The files, where they are on this machine, with what is known of their index; else the index alone.
 *
 * @throws StoreError where neither can be opened
 */
export async function openPostgresStore(settings: PostgresSettings, options?: OpenOptions): Promise<Store> {
  const { file_root } = settings;
  if (file_root !== undefined && (options?.create || existsSync(file_root)))
    return openFileStore(file_root, { ...options, index: settings });
  const client = await connectIndex(settings);
  try {
    if (await isUpToDate(client, settings)) return new PostgresStore(settings);
  } catch (error) {
    throw indexFault(error, settings);
  } finally {
    await client.end();
  }
  throw new StoreError({
    code: 'METALAB_INDEX_MISSING',
    where: postgresUri(settings),
    what: `the schema ${JSON.stringify(settings.schema)} has no index, or one of an older metalab`,
    next: 'make it where the files are: metalab store index --store "postgresql://…?file_root=FOLDER"',
  });
}
