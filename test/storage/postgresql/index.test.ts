import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeNumber } from '../../../src/definition/non-finite.js';
import type { RunRecord } from '../../../src/definition/record.js';
import { fingerprint, paramsFingerprint, runId } from '../../../src/identity/fingerprint.js';
import { resultsOf } from '../../../src/results/open.js';
import { requireFileStore } from '../../../src/storage/capabilities.js';
import { connectIndex } from '../../../src/storage/postgresql/connect.js';
import { indexStore } from '../../../src/storage/postgresql/index-store.js';
import { migrate } from '../../../src/storage/postgresql/migrate.js';
import { openPostgresStore } from '../../../src/storage/postgresql/open.js';
import { passFileLine } from '../../../src/storage/postgresql/pass-file.js';
import { keepPassword } from '../../../src/storage/postgresql/passwords.js';
import { PostgresStore } from '../../../src/storage/postgresql/postgres-store.js';
import { type PostgresSettings, parsePostgres } from '../../../src/storage/postgresql/settings.js';
import type { ResultsStore } from '../../../src/storage/store.js';
import { metalab } from '../../support/metalab.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../../support/records.js';
import { temporaryFolder, temporaryStore } from '../file/temporary-store.js';
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
    { name: '0003_long_names_and_rewritten_lines' },
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

it('what is left of damaged lines is in no answer, and hinders nothing', async () => {
  const record = recordOf({ index: 1 });
  const { segment, store, uri, index } = await indexedStore([record]);
  const key = { run_id: record.run_id, attempt: 1, generation: 0 };
  const beside = (kind: string, ...lines: object[]) =>
    appendFileSync(
      segment.replace(/[^/]*$/, (name) => `${kind}-${name}`),
      lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    );
  const point = { ...key, name: 'curve', step: 1, value: 0.5 };
  beside(
    'series',
    { ...point, name: undefined },
    { ...point, step: 'x' },
    { ...point, value: null },
    { ...point, name: 'a\ud800' },
    point,
  );
  const derived = { ...key, derivation: 'd', code: 'c', values: { twice: 'a\ud800' } };
  beside('derived', { ...derived, code: undefined }, { ...derived, derivation: 7 }, derived);
  expect(await index()).toMatchObject([{ records: 1 }]);
  const points = async (of: ResultsStore) => {
    const results = resultsOf(of, EXPERIMENT);
    try {
      const all = [];
      for await (const each of results.seriesPoints()) all.push(each);
      return all;
    } finally {
      await results.close();
    }
  };
  const expected = [
    { run_id: record.run_id, name: 'a\ufffd', step: 1, value: 0.5 },
    { run_id: record.run_id, name: 'curve', step: 1, value: 0.5 },
  ];
  expect(await points(new PostgresStore(settingsOf(uri)))).toMatchObject(expected);
  expect(await points(store)).toMatchObject(expected);
  expect(await postgres.query("SELECT metrics->>'twice' AS twice FROM derived_lines", uri)).toEqual([
    { twice: 'a\ufffd' },
  ]);
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

it('what a repair took out leaves the index, and what a copy filled in comes to it', async () => {
  const records = [1, 2].map((index) => {
    const params = { x: index };
    const record = recordOf({ index, params, params_fingerprint: paramsFingerprint(params) });
    return {
      ...record,
      run_id: runId({
        experiment_id: record.experiment_id,
        context: record.context_fingerprint,
        params: record.params_fingerprint,
        seed: record.seed_fingerprint,
        code: record.code_fingerprint,
      }),
    };
  });
  const { store, segment, index, ids } = await indexedStore(records);
  const other = await temporaryStore();
  cpSync(store.root, other.root, { recursive: true });
  await index();
  const text = readFileSync(segment, 'utf8');
  writeFileSync(segment, `${'#'.repeat(text.indexOf('\n'))}${text.slice(text.indexOf('\n'))}`);
  const repair = await metalab(['store', 'check', '--repair', '--store', store.root]);
  expect(repair.stdout + repair.stderr).toContain('damaged lines taken out');
  await index();
  expect(await ids()).toEqual(['2 success']);
  const copy = await metalab(['store', 'copy', '--from', other.root, '--to', store.root]);
  expect(copy.code, copy.stderr).toBe(0);
  await index();
  expect(await ids()).toEqual(['1 success', '2 success']);
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

it("the experiment's view gets new columns, and what is made of it stays", async () => {
  const { index, segment, uri } = await indexedStore([recordOf({ metrics: { y: 1 } })]);
  await index();
  await postgres.query(
    `CREATE VIEW mine AS SELECT y FROM "${EXPERIMENT}"; CREATE ROLE reader; GRANT SELECT ON "${EXPERIMENT}" TO reader`,
    uri,
  );
  append(segment, recordOf({ index: 1, metrics: { a: 2 } }));
  await index();
  expect(await postgres.query(`SELECT y, a FROM "${EXPERIMENT}" ORDER BY index`, uri)).toEqual([
    { y: 1, a: null },
    { y: null, a: 2 },
  ]);
  expect(
    await postgres.query(`SELECT has_table_privilege('reader', '"${EXPERIMENT}"', 'SELECT') AS may`, uri),
  ).toEqual([{ may: true }]);
  // Of another type is another column, which only a view that is made anew can have.
  append(segment, recordOf({ index: 2, metrics: { y: 'text' } }));
  await expect(index()).rejects.toThrow(/view mine depends on[\s\S]*drop what depends on it/);
  await postgres.query('DROP VIEW mine', uri);
  // The rows are there already, as after a process that was killed before it came to the view.
  expect(await index()).toMatchObject([{ records: 0 }]);
  expect(await postgres.query(`SELECT y, a FROM "${EXPERIMENT}" ORDER BY index`, uri)).toEqual([
    { y: '1', a: null },
    { y: null, a: 2 },
    { y: 'text', a: null },
  ]);
});

it('a name of thousands of bytes is indexed', async () => {
  const name = Array.from({ length: 400 }, (_, at) => fingerprint(at)).join('');
  const { index, uri } = await indexedStore([recordOf({ metrics: { [name]: 1 } })]);
  expect(await index()).toMatchObject([{ records: 1, left_out: 0 }]);
  expect(await postgres.query(`SELECT metrics->>'${name}' AS value FROM runs`, uri)).toEqual([
    { value: '1' },
  ]);
});

it('a derived metric that is NaN for some runs has a column of numbers', async () => {
  const { index, store, uri } = await indexedStore([recordOf()]);
  const code = fingerprint('code of it');
  await store.writeManifest({
    ...manifestOf(),
    derived: { d: { ref: 'd', code_fingerprint: code } },
  } as never);
  const { run_id } = recordOf();
  const line = { run_id, attempt: 1, generation: 0, derivation: 'd', code };
  const values = { twice: encodeNumber(Number.NaN), thrice: 3 };
  const folder = join(store.experimentFolder(EXPERIMENT), 'derived');
  mkdirSync(folder);
  writeFileSync(join(folder, 'derived-host-9-cc.ndjson'), `${JSON.stringify({ ...line, values })}\n`);
  await index();
  expect(await postgres.query(`SELECT twice, thrice FROM "${EXPERIMENT}"`, uri)).toEqual([
    { twice: Number.NaN, thrice: 3 },
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

it('a kept password that is wrong by now gives way to that of a pgpass file', async () => {
  const { store, uri } = await indexedStore([recordOf()]);
  const { PGPASSWORD = '', METALAB_HOME } = process.env;
  const folder = temporaryFolder();
  Object.assign(process.env, { METALAB_HOME: join(folder, 'home'), PGPASSFILE: join(folder, 'pgpass') });
  const { port } = postgres.server;
  writeFileSync(join(folder, 'pgpass'), passFileLine({ port, password: PGPASSWORD }), { mode: 0o600 });
  keepPassword(settingsOf(uri), 'of last year');
  delete process.env.PGPASSWORD;
  try {
    expect(await indexStore(store, settingsOf(uri), undefined)).toMatchObject([{ records: 1 }]);
  } finally {
    Object.assign(process.env, { PGPASSWORD, METALAB_HOME });
    delete process.env.PGPASSFILE;
  }
});

it('says what to do without rights, password, database or server', async () => {
  const { store, uri } = await indexedStore([recordOf()]);
  await postgres.query("CREATE ROLE guest LOGIN PASSWORD 'guest'", uri);
  const asGuest = { ...settingsOf(uri), user: 'guest' };
  const { PGPASSWORD } = process.env;
  process.env.PGPASSWORD = 'guest';
  await expect(indexStore(store, asGuest, undefined)).rejects.toThrow(/lacks privileges[\s\S]*GRANT CREATE/);
  process.env.PGPASSWORD = PGPASSWORD;
  await indexStore(store, settingsOf(uri), undefined);
  process.env.PGPASSWORD = 'guest';
  await expect(openPostgresStore(asGuest)).rejects.toThrow(
    /"guest" lacks privileges[\s\S]*to only read it: GRANT USAGE/,
  );
  process.env.PGPASSWORD = 'wrong';
  await expect(indexStore(store, asGuest, undefined)).rejects.toThrow(
    /does not let "guest" in[\s\S]*PGPASSWORD/,
  );
  process.env.PGPASSWORD = PGPASSWORD;
  await expect(indexStore(store, { ...settingsOf(uri), database: 'none' }, undefined)).rejects.toThrow(
    /no database "none"[\s\S]*createdb/,
  );
  await expect(indexStore(store, { ...settingsOf(uri), sslmode: 'require' }, undefined)).rejects.toThrow(
    /server has no TLS[\s\S]*ssl = on/,
  );
  const elsewhere = { ...settingsOf(uri), file_root: '/nowhere/lab' };
  await indexStore(store, settingsOf(uri), undefined);
  const alone = await openPostgresStore(elsewhere);
  expect(() => requireFileStore(alone)).toThrow(/no folder \/nowhere\/lab[\s\S]*correct file_root/);
  await expect(indexStore(store, { ...settingsOf(uri), port: 1 }, undefined)).rejects.toThrow(
    /can't be reached[\s\S]*ECONNREFUSED/,
  );
});
