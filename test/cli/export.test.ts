import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { beforeAll, expect, it } from 'vitest';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { lastingFolder, temporaryFolder } from '../storage/file/temporary-store.js';
import { metalab } from '../support/metalab.js';
import { manifestOf, recordOf, writeSegment } from '../support/records.js';

const RUNS = Array.from({ length: 4 }, (_, index) =>
  recordOf({ index, params: { lr: index / 10 }, metrics: { loss: index } }),
);

let store: FileStore;
const run = (...args: string[]) => metalab(['export', 'pi_mc', ...args, '--store', store.root]);

beforeAll(async () => {
  store = await openFileStore(join(lastingFolder(), 'store'), { create: true });
  await store.writeManifest(manifestOf());
  writeSegment(store, RUNS);
  const points = RUNS.map(({ run_id }) => ({
    run_id,
    attempt: 1,
    generation: 0,
    name: 'curve',
    step: 1,
    value: 2,
  }));
  writeSegment(store, points, { kind: 'series' });
});

it('writes the runs that match to stdout and to files', async () => {
  const csv = await run(
    '--csv',
    '-',
    '--where',
    'lr>0',
    '--sort',
    '-lr',
    '--limit',
    '2',
    '--columns',
    'lr,loss',
  );
  expect(csv).toMatchObject({ code: 0, stdout: 'lr,loss\n0.3,3\n0.2,2\n' });
  const series = await run('--ndjson', '-', '--series', 'curve', '--with', 'params', '--limit', '1');
  expect(JSON.parse(series.stdout)).toEqual({
    run_id: RUNS[0]!.run_id,
    lr: 0,
    replicate: 0,
    name: 'curve',
    step: 1,
    value: 2,
  });
  const folder = temporaryFolder();
  for (const format of ['parquet', 'arrow']) {
    const file = join(folder, `points.${format}`);
    expect(await run(`--${format}`, file, '--series')).toMatchObject({ code: 0, stderr: `wrote ${file}\n` });
    expect(await run(`--${format}`, file)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--force'),
    });
    expect(await run(`--${format}`, file, '--force')).toMatchObject({ code: 0 });
  }
  expect(tableFromIPC(readFileSync(join(folder, 'points.arrow'))).numRows).toBe(4);
  expect(readdirSync(folder).sort()).toEqual(['points.arrow', 'points.parquet']);
});

it.each([
  [['--csv', '-', '--ndjson', '-'], /several files/],
  [[], /no file is named[\s\S]*--parquet FILE/],
  [['--parquet', '-'], /stdout[\s\S]*--arrow -/],
  [['--csv', '-', '--with', 'metric'], /no kind of columns 'metric'[\s\S]*metrics/],
  [['--csv', '-', '--with', 'metrics', '--columns', 'lr'], /one of them/],
  [['--csv', '-', '--columns', 'lrr'], /no column 'lrr'[\s\S]*lr/],
  [['--csv', '-', '--series', 'curvy'], /no run has a series 'curvy'[\s\S]*curve/],
  [['--csv', '/nowhere/at/all.csv'], /can't write/],
  [['--parquet', '/nowhere/at/all.parquet'], /can't write/],
])('refuses %j', async (args, message) => {
  const { code, stderr } = await run(...args);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
