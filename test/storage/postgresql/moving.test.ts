import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SAMPLE } from '../../../src/testing/sample-store.js';
import { filesOf, wholeStore } from '../../cli/store/whole-store.js';
import { metalab } from '../../support/metalab.js';
import { temporaryFolder } from '../file/temporary-store.js';
import { usePostgres } from './use-postgres.js';

const postgres = usePostgres();

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await metalab(args);
  expect(code, stderr).toBe(0);
  return stdout;
}

const answer = async (store: string) =>
  JSON.parse(await run('results', SAMPLE, '--all', '--json', '--store', store)) as unknown;

test('a store that is moved to one with an index, and from there to files, is the same; so are its answers', {
  timeout: 240_000,
}, async () => {
  const { store } = await wholeStore();
  const database = await postgres.database();
  const indexed = `${database}?file_root=${encodeURIComponent(join(temporaryFolder('moved-'), 'files'))}`;
  await run('store', 'copy', '--from', store.root, '--to', indexed);
  const expected = await answer(store.root);
  expect(expected).toHaveLength(12);
  expect(await answer(database)).toEqual(expected);
  expect(JSON.parse(await run('store', 'info', '--json', '--store', indexed)).experiments).toMatchObject([
    { index_lag: 0 },
    { experiment_id: SAMPLE, index_lag: 0 },
  ]);
  const back = join(temporaryFolder(), 'back');
  await run('store', 'copy', '--from', indexed, '--to', back);
  expect(filesOf(back)).toEqual(filesOf(store.root));
  expect(await answer(back)).toEqual(expected);

  const [{ run_id }] = expected as [{ run_id: string }];
  await run('store', 'delete', run_id, '--yes', '--store', indexed);
  expect(await postgres.query(`SELECT FROM runs WHERE run_id = '${run_id}'`, database)).toEqual([]);
  expect(await answer(database)).toEqual(await answer(indexed));
  expect(await answer(database)).toHaveLength(11);
  // The lines that were taken out come back, and the index with them.
  await run('store', 'copy', '--from', back, '--to', indexed);
  expect(await answer(database)).toEqual(expected);

  // A repair takes a line out in place: the index must not keep it.
  const [segment] = Object.keys(filesOf(back)).filter(
    (path) => /segments\/s2\/[^/]*\.ndjson$/.test(path) && !/logs-/.test(path),
  );
  const path = join(new URL(indexed).searchParams.get('file_root')!, segment!);
  writeFileSync(path, readFileSync(path, 'utf8').replace('{"run_id"', '#"run_id"'));
  await metalab(['store', 'check', '--repair', '--store', indexed]);
  expect(await answer(database)).toEqual(await answer(indexed));

  const alone = await metalab(['store', 'copy', '--from', database, '--to', back]);
  expect(alone.code).toBe(2);
  expect(alone.stderr).toContain('this store lacks what that needs: working directory');
});

test('without PostgreSQL copies and deletions are done, and the index catches up, whoever changed the files', {
  timeout: 240_000,
}, async () => {
  const { store } = await wholeStore();
  const database = await postgres.database();
  const files = join(temporaryFolder(), 'files');
  const root = `file_root=${encodeURIComponent(files)}`;
  const gone = `postgresql://127.0.0.1:1/lab?${root}`;
  const copied = await metalab(['store', 'copy', '--from', store.root, '--to', gone]);
  expect(copied.code, copied.stderr).toBe(0);
  expect(copied.stderr).toContain("the index lags: PostgreSQL can't be reached");
  expect(filesOf(files)).toEqual(filesOf(store.root));
  const index = () => run('store', 'index', '--store', `${database}?${root}`);
  await index();
  const [first, second] = (await answer(files)) as [{ run_id: string }, { run_id: string }];
  const deleted = await metalab(['store', 'delete', first.run_id, '--yes', '--store', gone]);
  expect(deleted.code, deleted.stderr).toBe(0);
  expect(deleted.stderr).toContain("the index lags: PostgreSQL can't be reached");
  await index();
  expect(await answer(database)).toEqual(await answer(files));
  expect(await answer(database)).toHaveLength(11);
  await run('store', 'delete', second.run_id, '--yes', '--store', files);
  await index();
  expect(await answer(database)).toEqual(await answer(files));
  expect(await answer(database)).toHaveLength(10);
  // Nothing has changed since.
  expect(await index()).toMatch(/ 0 records read[\s\S]* 0 records read/);
});
