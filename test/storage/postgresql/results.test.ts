import { afterAll, beforeAll, describe } from 'vitest';
import type { FileStore } from '../../../src/storage/file/file-store.js';
import { indexStore } from '../../../src/storage/postgresql/index-store.js';
import { PostgresStore } from '../../../src/storage/postgresql/postgres-store.js';
import { parsePostgres } from '../../../src/storage/postgresql/settings.js';
import type { LineKind, ResultsStore } from '../../../src/storage/store.js';
import { readResultsFrom } from '../../support/results-of.js';
import { usePostgres } from './use-postgres.js';

const postgres = usePostgres();
let database = '';

/** The index of a file store, made when it is first read. */
class IndexOf implements ResultsStore {
  readonly uri = 'postgresql://';
  readonly #store: FileStore;
  #index: Promise<PostgresStore> | undefined;

  constructor(store: FileStore) {
    this.#store = store;
  }

  /** Named, since tests write experiments without a manifest too. */
  #of(experiments: string[] | undefined): Promise<PostgresStore> {
    this.#index ??= this.#make(experiments);
    return this.#index;
  }

  async #make(experiments: string[] | undefined): Promise<PostgresStore> {
    const settings = parsePostgres(`${database}?schema=s${this.#store.id}`, []);
    await indexStore(this.#store, settings, experiments);
    return new PostgresStore(settings);
  }

  async experiments() {
    return (await this.#of(undefined)).experiments();
  }
  async readManifest(id: string) {
    return (await this.#of([id])).readManifest(id);
  }
  async *manifests(id: string) {
    yield* (await this.#of([id])).manifests(id);
  }
  async *lines(id: string, kind: LineKind, runs?: readonly string[]) {
    yield* (await this.#of([id])).lines(id, kind, runs);
  }
}

beforeAll(async () => {
  database = await postgres.database();
  readResultsFrom((store) => new IndexOf(store));
});
afterAll(() => readResultsFrom());

// The tests of results, once more: the query makes them modules of their own.
describe.each(['random-queries', 'results', 'sql', 'derived', 'export', 'pivot'])(
  'from PostgreSQL alone: %s',
  async (file) => {
    await import(`../../results/${file}.test.ts?postgres`);
  },
);
