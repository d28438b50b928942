import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { Postgres, USER } from '../../support/temporal-on-postgres/postgres.mjs';

const PASSWORD = 'p@ss "w0rd\' ü';

/** A PostgreSQL for the tests of a file, whose password is in PGPASSWORD. */
export class TestPostgres {
  #server: Postgres | undefined;
  #databases = 0;

  get server(): Postgres {
    if (!this.#server) throw new Error('PostgreSQL has not started');
    return this.#server;
  }

  async start(folder: string): Promise<void> {
    this.#server = await Postgres.create(folder, PASSWORD);
  }

  /** A database of its own, by its uri. */
  async database(): Promise<string> {
    const name = `test ${++this.#databases}`;
    await this.query(`CREATE DATABASE "${name}"`, 'postgresql://127.0.0.1/postgres');
    return `postgresql://${USER}@127.0.0.1:${this.server.port}/${encodeURIComponent(name)}`;
  }

  /** Rows of one statement, in the schema of an index. */
  async query<Row extends object = Record<string, unknown>>(sql: string, uri: string): Promise<Row[]> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.server.port,
      user: USER,
      password: PASSWORD,
      database: decodeURIComponent(new URL(uri).pathname.slice(1)),
    });
    await client.connect();
    try {
      await client.query('SET search_path TO metalab, public');
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }
}

/** Starts one for the tests of this file. */
export function usePostgres(): TestPostgres {
  const postgres = new TestPostgres();
  const folder = mkdtempSync(join(tmpdir(), 'metalab-postgres-'));
  beforeAll(async () => {
    process.env.PGPASSWORD = PASSWORD;
    // PostgreSQL's own account must reach its folder in it.
    chmodSync(folder, 0o755);
    await postgres.start(join(folder, 'cluster'));
  });
  afterAll(async () => {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return postgres;
}
