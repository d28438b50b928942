import type { Client } from 'pg';
import { StoreError } from '../../definition/errors.js';
import type { FileStore } from '../file/file-store.js';
import { connectIndex } from './connect.js';
import { dropExperimentView } from './experiment-view.js';
import { indexFault } from './faults.js';
import {
  deleteExperiment,
  type IndexedExperiment,
  type IndexOptions,
  indexExperiment,
} from './index-experiment.js';
import { migrate } from './migrate.js';
import { type PostgresSettings, postgresUri } from './settings.js';

/**
 * Connects to the index of a store to write to it, and makes it where there is none.
 *
 * @throws StoreError where it can't be reached or written, or is that of another store
 */
export async function openIndex(store: FileStore, settings: PostgresSettings): Promise<Client> {
  const client = await connectIndex(settings);
  try {
    await migrate(client, settings);
    // What a crash of the server loses is read again: positions are written with the rows.
    await client.query('SET synchronous_commit = off');
    await client.query('INSERT INTO indexed_store (store_id) VALUES ($1) ON CONFLICT DO NOTHING', [store.id]);
    const { rows } = await client.query<{ store_id: string }>('SELECT store_id FROM indexed_store');
    if (rows[0]?.store_id !== store.id) throw ofOtherStore(settings, store, rows[0]?.store_id);
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw indexFault(error, settings);
  }
}

const ofOtherStore = (settings: PostgresSettings, store: FileStore, other: string | undefined) =>
  new StoreError({
    code: 'METALAB_INDEX_OTHER_STORE',
    where: postgresUri(settings),
    what: `the schema ${JSON.stringify(settings.schema)} is the index of another store: ${other}`,
    expected: `the index of ${store.root} (${store.id}), or a schema that is empty`,
    next: 'name another schema in the uri: schema=NAME',
  });

/**
 * Indexes what was written since the last time.
 *
 * @param experiments undefined: all; then those that the store no longer has are removed
 * @throws StoreError where the index can't be written
 */
export async function indexStore(
  store: FileStore,
  settings: PostgresSettings,
  experiments: readonly string[] | undefined,
  options: IndexOptions & { readonly onExperiment?: (id: string) => void } = {},
): Promise<IndexedExperiment[]> {
  const client = await openIndex(store, settings);
  const indexed: IndexedExperiment[] = [];
  try {
    const ids = experiments ?? (await store.experiments());
    for (const id of ids) {
      if (options.signal?.aborted) break;
      options.onExperiment?.(id);
      indexed.push(await indexExperiment(client, id, store.experimentFolder(id), options));
    }
    if (!experiments && !options.signal?.aborted) await removeGone(client, ids);
    return indexed;
  } catch (error) {
    throw indexFault(error, settings);
  } finally {
    await client.end().catch(() => {});
  }
}

async function removeGone(client: Client, kept: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ experiment: string }>(
    'SELECT experiment FROM experiments WHERE experiment <> ALL($1)',
    [kept],
  );
  for (const { experiment } of rows) {
    await deleteExperiment(client, experiment);
    await dropExperimentView(client, experiment);
  }
}
