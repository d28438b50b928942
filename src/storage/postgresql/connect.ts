import type { Client } from 'pg';
import { codeOf, indexFault, unreachable } from './faults.js';
import { forgetPassword, passwordOf } from './passwords.js';
import { type ReachedServer, reachServer } from './reach.js';
import type { PostgresSettings } from './settings.js';
import { tlsAttempts } from './tls.js';

const CONNECT_WITHIN_MS = 10_000;
const WRONG_PASSWORD = '28P01';

/**
 * Connects to the database; names without a schema are those of the index.
 *
 * @throws StoreError where that fails, with what to do
 */
export async function connectIndex(
  settings: PostgresSettings,
  withinMs = CONNECT_WITHIN_MS,
): Promise<Client> {
  const { default: pg } = await import('pg');
  const reached = await reach(settings);
  const { host, port } = reached ?? settings;
  const { user, database, schema } = settings;
  const attempts = tlsAttempts(settings);
  for (const [at, ssl] of attempts.entries()) {
    const password = passwordOf(settings);
    const client = new pg.Client({
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...(user === undefined ? {} : { user }),
      ...(database === undefined ? {} : { database }),
      ...(password === undefined ? {} : { password }),
      ssl,
      application_name: 'metalab',
      connectionTimeoutMillis: withinMs,
      keepAlive: true,
    });
    // The next query reports a lost connection.
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query(`SET search_path TO ${pg.escapeIdentifier(schema)}`);
      client.once('end', () => reached?.release());
      return client;
    } catch (error) {
      await client.end().catch(() => {});
      if (codeOf(error) === WRONG_PASSWORD && forgetPassword(settings, password)) {
        reached?.release();
        return connectIndex(settings, withinMs);
      }
      const isRefused = /SSL|TLS|pg_hba/i.test((error as Error).message ?? '');
      if (isRefused && at < attempts.length - 1) continue;
      reached?.release();
      throw indexFault(error, settings);
    }
  }
  throw new Error('no way to connect was tried');
}

/** @returns undefined if it is where the settings say */
async function reach(settings: PostgresSettings): Promise<ReachedServer | undefined> {
  try {
    return await reachServer(settings);
  } catch (error) {
    throw unreachable(error, settings);
  }
}
