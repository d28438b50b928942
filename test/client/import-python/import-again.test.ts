import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RunRecord } from '../../../src/definition/record.js';
import { openFileStore } from '../../../src/storage/file/open.js';
import { temporaryFolder } from '../../storage/file/temporary-store.js';
import { metalab, resultsJson, startMetalab } from '../../support/metalab.js';
import { manifestOf, recordsIn } from '../../support/records.js';
import { until } from '../../support/until.js';
import { derivedOf, hashesIn, importArguments, importPython, writePythonStore } from './python-store.js';

function folders(...what: string[]) {
  const folder = temporaryFolder();
  const [source, store] = [join(folder, 'lab'), join(folder, 'store')];
  writePythonStore(source, ...what);
  return { source, store };
}

const change = (path: string, fields: object) =>
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...fields }));

const check = async (store: string) =>
  JSON.parse((await metalab(['store', 'check', '--store', store, '--json'])).stdout).counts;

it('importing the same folder again adds nothing', async () => {
  const { source, store } = folders('lab');
  await importPython(source, store);
  const before = hashesIn(store);
  const { experiments } = await importPython(source, store);
  expect(
    experiments.map(({ records, artifacts, logs, derived, known }) => [
      records,
      artifacts,
      logs,
      derived,
      known,
    ]),
  ).toEqual([
    [0, 0, 0, 0, 4],
    [0, 0, 0, 0, 1],
    [0, 0, 0, 0, 4],
  ]);
  expect(hashesIn(store)).toEqual(before);
});

it('a folder that has grown adds what is new: runs, runs that were done again, metrics that were derived since', async () => {
  const { source, store } = folders('flat');
  const record = (name: string) => join(source, 'runs', name);
  // The params of another run: the first import has one replicate of them, the second has two.
  const late = readFileSync(record('ffffffffffffffff.json'));
  rmSync(record('ffffffffffffffff.json'));
  const again = record(readdirSync(join(source, 'runs'))[0]!);
  change(again, { status: 'failed' });
  await importPython(source, store);
  writeFileSync(record('ffffffffffffffff.json'), late);
  change(again, { status: 'success', finished_at: '2025-06-01T00:00:00', metrics: { again: 1 } });
  writePythonStore(source, 'flat-derived');
  const { experiments } = await importPython(source, store);
  const sum = (of: 'records' | 'known' | 'derived') => experiments.reduce((all, each) => all + each[of], 0);
  expect([sum('records'), sum('known'), sum('derived')]).toEqual([2, 3, 5]);
  const two = (await resultsJson('two', store)) as unknown as RunRecord[];
  const rows = [...((await resultsJson('one', store)) as unknown as RunRecord[]), ...two];
  expect(rows.map(({ status }) => status)).toEqual(Array(5).fill('success'));
  for (const experiment of ['one', 'two'])
    for (const { late } of await derivedOf(store, experiment, 'late')) expect(late).toBe(1);
  expect(rows.filter(({ metrics }) => metrics.again === 1)).toMatchObject([{ generation: 1 }]);
  expect(two.map(({ index }) => index)).toEqual([0, 1]);
  expect(await check(store)).toMatchObject({ errors: 0, warnings: 0 });
});

it.each(['SIGKILL', 'SIGINT'] as const)(
  'an import that gets %s shows nothing, and the next one goes on from what it wrote',
  async (signal) => {
    const { source, store } = folders('many', '4000');
    const ended = startMetalab(importArguments(source, store));
    await until(() => recordsWritten(store) > 0);
    ended.kill(signal);
    const { code, stderr } = await ended.finished;
    if (signal === 'SIGINT')
      expect([code, stderr]).toEqual([130, expect.stringContaining('the same command goes on')]);
    const kept = recordsWritten(store);
    expect(kept).toBeLessThan(4000);
    expect(JSON.parse((await metalab(['list', '--store', store, '--json'])).stdout)).toEqual([]);
    // One that is killed has the lease, which expires a minute after it was renewed.
    rmSync(join(store, 'lease.json'), { force: signal === 'SIGINT' });
    const { experiments } = await importPython(source, store);
    expect(experiments).toMatchObject([{ records: 4000 - kept, known: kept }]);
    const records = recordsIn(store, 'many:1');
    expect(records).toHaveLength(4000);
    expect(new Set(records.map(({ run_id }) => run_id)).size).toBe(4000);
    expect(new Set(records.map(({ index }) => index)).size).toBe(4000);
    expect(await check(store)).toMatchObject({ errors: 0, warnings: 0, notes: 0 });
    expect(await resultsJson('many', store)).toHaveLength(4000);
  },
);

/** Whole lines of its segments of records. */
function recordsWritten(store: string): number {
  try {
    return recordsIn(store, 'many:1').length;
  } catch {
    return 0;
  }
}

it('is refused while an engine uses the store, and then writes nothing', async () => {
  const { source, store } = folders('flat');
  const opened = await openFileStore(store, { create: true });
  const holder = { engine: 'e', address: '127.0.0.1:7233', namespace: 'default', host: 'h', worker: 'w' };
  await opened.lease.take(holder);
  const before = hashesIn(store);
  const { code, stderr } = await metalab(importArguments(source, store));
  expect(code).toBe(3);
  expect(stderr).toContain('the store is in use by the engine with Temporal at 127.0.0.1:7233');
  expect(hashesIn(store)).toEqual(before);
  await opened.lease.release(holder);
});

it('all experiments that the store has of its own, or by another name, are refused together', async () => {
  const { source, store } = folders('flat');
  const opened = await openFileStore(store, { create: true });
  for (const experiment_id of ['one:1', 'two:1']) await opened.writeManifest(manifestOf({ experiment_id }));
  const before = hashesIn(store);
  const { code, stderr } = await metalab(importArguments(source, store));
  expect(code).not.toBe(0);
  expect(stderr).toContain(
    'one:1: its id here, one:1, is taken by an experiment that was submitted to this store',
  );
  expect(stderr).toContain('two:1: its id here, two:1, is taken');
  expect(stderr).toContain('import it into another store');
  expect(hashesIn(store)).toEqual(before);
});
