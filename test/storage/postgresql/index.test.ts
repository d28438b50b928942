import { appendFileSync, rmSync, truncateSync } from 'node:fs';
import { expect, it } from 'vitest';
import { encodeNumber } from '../../../src/definition/non-finite.js';
import type { RunRecord } from '../../../src/definition/record.js';
import { connectIndex } from '../../../src/storage/postgresql/connect.js';
import { indexStore } from '../../../src/storage/postgresql/index-store.js';
import { migrate } from '../../../src/storage/postgresql/migrate.js';
import { type PostgresSettings, parsePostgres } from '../../../src/storage/postgresql/settings.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../../support/records.js';
import { temporaryStore } from '../file/temporary-store.js';
import { usePostgres } from './use-postgres.js';

const postgres = usePostgres();

const settingsOf = (uri: string): PostgresSettings => parsePostgres(uri, []);

async function indexedStore(records: readonly RunRecord[]) {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  const segment = writeSegment(store, records);
  const uri = await postgres.database();
  const index = (rebuild = false) => indexStore(store, settingsOf(uri), undefined, { rebuild });
  const ids = async () =>
    (
      await postgres.query<{ index: string; status: string }>(
        'SELECT index, status FROM runs ORDER BY index',
        uri,
      )
    ).map(({ index: at, status }) => `${at} ${status}`);
  return { store, segment, uri, index, ids };
}

const append = (segment: string, ...records: RunRecord[]) =>
  appendFileSync(segment, records.map((record) => `${JSON.stringify(record)}\n`).join(''));

it('twenty processes at once make one schema', async () => {
  const uri = await postgres.database();
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      const client = await connectIndex(settingsOf(uri));
      try {
        await migrate(client, settingsOf(uri));
      } finally {
        await client.end();
      }
    }),
  );
  expect(await postgres.query('SELECT name FROM migrations', uri)).toEqual([
    { name: '0001_index' },
    { name: '0002_without_order_index' },
  ]);
});

it('reads only what is new, and the final record counts whatever comes first', async () => {
  const first = recordOf({ index: 1, status: 'failed', generation: 1 });
  const { segment, index, ids, store } = await indexedStore([first, recordOf({ index: 2 })]);
  expect(await index()).toMatchObject([{ experiment_id: EXPERIMENT, records: 2 }]);
  expect(await index()).toMatchObject([{ records: 0, bytes: 0 }]);
  append(segment, recordOf({ index: 1, status: 'success' }), recordOf({ index: 3, status: 'cancelled' }));
  expect(await index()).toMatchObject([{ records: 2 }]);
  // An older generation does not replace a newer one.
  expect(await ids()).toEqual(['1 failed', '2 success', '3 cancelled']);
  writeSegment(store, [recordOf({ index: 1, generation: 2 }), recordOf({ index: 3 })], {
    writer: 'host-2-bb',
  });
  await index();
  expect(await ids()).toEqual(['1 success', '2 success', '3 success']);
});

it('a torn line is read when it is whole', async () => {
  const { segment, index, ids } = await indexedStore([recordOf({ index: 1 })]);
  const line = `${JSON.stringify(recordOf({ index: 2 }))}\n`;
  appendFileSync(segment, line.slice(0, 50));
  await index();
  expect(await ids()).toEqual(['1 success']);
  appendFileSync(segment, line.slice(50));
  await index();
  expect(await ids()).toEqual(['1 success', '2 success']);
});

it('what a lost or shortened segment held leaves the index', async () => {
  const { store, segment, index, ids } = await indexedStore([recordOf({ index: 1 }), recordOf({ index: 2 })]);
  const other = writeSegment(store, [recordOf({ index: 3 })], { writer: 'host-2-bb' });
  await index();
  rmSync(other);
  await index();
  expect(await ids()).toEqual(['1 success', '2 success']);
  truncateSync(segment, JSON.stringify(recordOf({ index: 1 })).length + 1);
  await index();
  expect(await ids()).toEqual(['1 success']);
});

it('a rebuild makes the same index, and an experiment that is gone leaves it', async () => {
  const { store, index, ids, uri } = await indexedStore([recordOf({ index: 1 }), recordOf({ index: 2 })]);
  await index();
  await postgres.query("UPDATE runs SET status = 'failed'", uri);
  expect(await index(true)).toMatchObject([{ records: 2 }]);
  expect(await ids()).toEqual(['1 success', '2 success']);
  rmSync(store.experimentFolder(EXPERIMENT), { recursive: true });
  await index();
  expect(await ids()).toEqual([]);
});

it('two that index at once do no harm', async () => {
  const records = Array.from({ length: 3000 }, (_, index) => recordOf({ index }));
  const { index, uri } = await indexedStore(records);
  const done = await Promise.all([index(), index(), index()]);
  expect(done.flat().reduce((sum, each) => sum + each.records, 0)).toBe(3000);
  expect(await postgres.query('SELECT count(*)::int AS n FROM runs', uri)).toEqual([{ n: 3000 }]);
});

it("the experiment's view has typed columns, whatever their names", async () => {
  const values = {
    'a "b"': 2 ** 60,
    loss: encodeNumber(Number.NaN),
    status: 'x',
    ['n'.repeat(80)]: 1,
    ['n'.repeat(81)]: 2,
  };
  const { index, uri } = await indexedStore([
    recordOf({
      index: 1,
      params: { lr: 0.5, loss: true, list: [1], mixed: 1 },
      metrics: values as RunRecord['metrics'],
    }),
    recordOf({
      index: 2,
      params: { lr: null, loss: false, list: [2], mixed: 'x\0y' },
      metrics: { loss: 0.25 },
    }),
  ]);
  await index();
  const columns = await postgres.query<{ column_name: string; data_type: string }>(
    `SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '${EXPERIMENT}' AND ordinal_position > 13 ORDER BY ordinal_position`,
    uri,
  );
  const types = Object.fromEntries(columns.map(({ column_name, data_type }) => [column_name, data_type]));
  const hashed = Object.keys(types).filter((name) => name.startsWith('nnn'));
  expect(hashed).toHaveLength(2);
  expect(types).toMatchObject({
    lr: 'double precision',
    'params.loss': 'boolean',
    list: 'jsonb',
    mixed: 'text',
    'a "b"': 'double precision',
    'metrics.loss': 'double precision',
    'metrics.status': 'text',
  });
  const rows = await postgres.query(
    `SELECT lr, "params.loss", mixed, "metrics.loss", "a ""b""", "metrics.status" FROM "${EXPERIMENT}" ORDER BY index`,
    uri,
  );
  expect(rows).toEqual([
    {
      lr: 0.5,
      'params.loss': true,
      mixed: '1',
      'metrics.loss': Number.NaN,
      'a "b"': 2 ** 60,
      'metrics.status': 'x',
    },
    {
      lr: null,
      'params.loss': false,
      mixed: 'x␀y',
      'metrics.loss': 0.25,
      'a "b"': null,
      'metrics.status': null,
    },
  ]);
});

it('a view takes 1,600 columns, and says how many are left out', async () => {
  const metrics = Object.fromEntries(Array.from({ length: 2000 }, (_, number) => [`m${number}`, number]));
  const { index, uri } = await indexedStore([recordOf({ metrics })]);
  expect(await index()).toMatchObject([{ left_out: 2001 - (1600 - 13) }]);
  const [{ note } = { note: '' }] = await postgres.query<{ note: string }>(
    `SELECT obj_description('"${EXPERIMENT}"'::regclass) AS note`,
    uri,
  );
  expect(note).toContain('414 of 2001 values have no column here');
  expect(await postgres.query("SELECT (metrics->>'m1999')::int AS m FROM runs", uri)).toEqual([{ m: 1999 }]);
});

it('refuses the schema of another store, and an index of a newer version', async () => {
  const { uri, index } = await indexedStore([recordOf()]);
  await index();
  const other = await temporaryStore();
  await expect(indexStore(other, settingsOf(uri), undefined)).rejects.toThrow(
    /is the index of another store[\s\S]*schema=NAME/,
  );
  await postgres.query("INSERT INTO migrations (name, run_on) VALUES ('0099_later', now())", uri);
  await expect(index()).rejects.toThrow(
    /of a newer metalab: it has the migration 0099_later[\s\S]*upgrade metalab/,
  );
});

it('says what to do without rights, password, database or server', async () => {
  const { store, uri } = await indexedStore([recordOf()]);
  await postgres.query("CREATE ROLE guest LOGIN PASSWORD 'guest'", uri);
  const asGuest = { ...settingsOf(uri), user: 'guest' };
  const { PGPASSWORD } = process.env;
  process.env.PGPASSWORD = 'guest';
  await expect(indexStore(store, asGuest, undefined)).rejects.toThrow(/lacks privileges[\s\S]*GRANT CREATE/);
  process.env.PGPASSWORD = 'wrong';
  await expect(indexStore(store, asGuest, undefined)).rejects.toThrow(
    /does not let "guest" in[\s\S]*PGPASSWORD/,
  );
  process.env.PGPASSWORD = PGPASSWORD;
  await expect(indexStore(store, { ...settingsOf(uri), database: 'none' }, undefined)).rejects.toThrow(
    /no database "none"[\s\S]*createdb/,
  );
  await expect(indexStore(store, { ...settingsOf(uri), port: 1 }, undefined)).rejects.toThrow(
    /can't be reached[\s\S]*ECONNREFUSED/,
  );
});
