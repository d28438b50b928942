import { describe, it } from 'vitest';
import { indexStore } from '../../../src/storage/postgresql/index-store.js';
import { parsePostgres } from '../../../src/storage/postgresql/settings.js';
import { testStore } from '../../../src/testing/index.js';
import { usePostgres } from './use-postgres.js';

const postgres = usePostgres();

describe('an index in PostgreSQL without its files', () => {
  testStore({
    test: it,
    async storeOf(source) {
      const uri = await postgres.database();
      await indexStore(source, parsePostgres(uri, []), undefined);
      return uri;
    },
  });
});

describe('an index in PostgreSQL with its files', () => {
  testStore({
    test: it,
    async storeOf(source) {
      return `${await postgres.database()}?file_root=${encodeURIComponent(source.root)}`;
    },
  });
});
