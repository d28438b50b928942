import { existsSync } from 'node:fs';
import { UsageError } from '../../definition/errors.js';
import { type OpenOptions, openFileStore } from '../file/open.js';
import type { Store } from '../store.js';
import { type PostgresSettings, postgresUri } from './settings.js';

/** The files, where they are on this machine, with what is known of their index. */
export async function openPostgresStore(settings: PostgresSettings, options?: OpenOptions): Promise<Store> {
  const { file_root } = settings;
  if (file_root !== undefined && (options?.create || existsSync(file_root)))
    return openFileStore(file_root, { ...options, index: settings });
  throw new UsageError({
    code: 'METALAB_STORE_LOCATION',
    where: postgresUri(settings),
    what: 'the files are not on this machine',
    expected: 'a uri with file_root=FOLDER',
  });
}
