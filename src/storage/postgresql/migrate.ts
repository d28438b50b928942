import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Client } from 'pg';
import { StoreError } from '../../definition/errors.js';
import { indexFault, lacksRights } from './faults.js';
import { type PostgresSettings, postgresUri } from './settings.js';

const FOLDER = fileURLToPath(new URL('./migrations', import.meta.url));
const TABLE = 'migrations';

const ownMigrations = () => readdirSync(FOLDER).map((name) => name.replace(/\.sql$/, ''));

/**
 * Makes the index's schema, or brings it up to date. Any number of processes may do so at once.
 *
 * @throws StoreError METALAB_INDEX_NEWER, METALAB_INDEX_RIGHTS
 */
export async function migrate(client: Client, settings: PostgresSettings): Promise<void> {
  try {
    if (await isUpToDate(client, settings)) return;
    const { runner } = await import('node-pg-migrate');
    await runner({
      dbClient: client,
      dir: FOLDER,
      schema: settings.schema,
      createSchema: true,
      migrationsTable: TABLE,
      direction: 'up',
      advisoryLockMode: 'wait',
      log: () => {},
    });
  } catch (error) {
    throw indexFault(error, settings);
  }
}

/**
 * Whether all migrations of this metalab are done.
 *
 * @throws StoreError METALAB_INDEX_NEWER where there are others, METALAB_INDEX_RIGHTS where they can't be read
 */
export async function isUpToDate(client: Client, settings: PostgresSettings): Promise<boolean> {
  const { rows: tables } = await client.query<{ may_use: boolean }>(
    `SELECT has_schema_privilege(schemaname, 'USAGE') AS may_use FROM pg_tables WHERE schemaname = $1 AND tablename = $2`,
    [settings.schema, TABLE],
  );
  if (!tables[0]) return false;
  // PostgreSQL itself would say that there is no such table.
  if (!tables[0].may_use) throw lacksRights(settings, `permission denied for schema ${settings.schema}`);
  const { rows } = await client.query<{ name: string }>(`SELECT name FROM ${TABLE}`);
  const own = ownMigrations();
  const unknown = rows.find(({ name }) => !own.includes(name));
  if (unknown)
    throw new StoreError({
      code: 'METALAB_INDEX_NEWER',
      where: postgresUri(settings),
      what: `the index is of a newer metalab: it has the migration ${unknown.name}`,
      expected: `${own.at(-1)} or older, which this metalab knows`,
      next: 'upgrade metalab (npm install metalab@latest), or name another schema in the uri: schema=NAME',
    });
  return rows.length === own.length;
}
