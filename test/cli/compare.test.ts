import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { lastingFolder } from '../storage/file/temporary-store.js';
import { metalab } from '../support/metalab.js';
import { manifestOf, recordOf, writeSegment } from '../support/records.js';

const idOf = (index: number) => createHash('sha256').update(`run ${index}`).digest('hex').slice(0, 32);
const RECORDS = Array.from({ length: 12 }, (_, index) =>
  recordOf({
    index,
    run_id: idOf(index),
    params: { lr: (index + 1) / 10, opt: index % 2 === 0 ? 'sgd' : 'adam' },
    metrics: { loss: 1 / (index + 1) },
  }),
);

let store: FileStore;
const compare = (...args: string[]) => metalab(['compare', ...args, '--store', store.root]);

beforeAll(async () => {
  store = await openFileStore(join(lastingFolder(), 'store'), { create: true });
  await store.writeManifest(manifestOf());
  writeSegment(store, RECORDS);
});

it('shows what differs between the runs named, under titles, with differences and ratios', async () => {
  const { stdout } = await compare(idOf(0).slice(0, 6), idOf(1).slice(0, 6), idOf(2));
  const lines = stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
  expect(lines[0]).toEqual([idOf(0), idOf(1), idOf(2)].map((id) => id.slice(0, 8)));
  expect(lines.slice(1, -1)).toEqual([
    ['params'],
    ['lr', '0.1', '0.2', '+0.1', '×2', '0.3', '+0.2', '×3'],
    ['opt', 'sgd', 'adam', 'sgd'],
    ['seeds'],
    ['replicate', '0', '1', '2'],
    ['metrics'],
    ['loss', '1', '0.5', '-0.5', '×0.5', '0.333333', '-0.6667', '×0.3333'],
  ]);
  const all = await compare(idOf(0), idOf(1), '--show-equal');
  expect(all.stdout).toMatch(/status +success +success/);
});

it('chooses runs of one experiment by conditions, order and number', async () => {
  const { stdout } = await compare('pi', '--where', 'opt=adam', '--sort', 'loss', '--limit', '2', '--json');
  const [first, second] = [idOf(11), idOf(9)];
  const { runs, facts } = JSON.parse(stdout);
  expect(runs).toMatchObject([{ run_id: first, experiment_id: 'pi_mc:0.1' }, { run_id: second }]);
  const loss = facts.find(({ name }: { readonly name: string }) => name === 'loss');
  expect(loss).toMatchObject({
    kind: 'metrics',
    values: { [first]: 1 / 12, [second]: 0.1 },
    changes: { [second]: { ratio: expect.closeTo(1.2) } },
  });
});

it('says how to choose where there are too many or too few, and what is no run', async () => {
  const many = await compare('pi_mc');
  expect(many).toMatchObject({ code: 2 });
  expect(many.stderr).toMatch(/12 runs match[\s\S]*2 to 10 runs[\s\S]*--limit 3/);
  expect((await compare('pi_mc', '--where', 'lr=0.1')).stderr).toMatch(/1 run matches[\s\S]*--all/);
  expect((await compare(idOf(0))).stderr).toMatch(/there is no experiment[\s\S]*name at least two/);
  const wrong = await compare('ffff0000', idOf(0), 'abc');
  expect(wrong.stderr).toMatch(/2 problems[\s\S]*no run 'ffff0000'[\s\S]*'abc' is too short/);
  expect((await compare(idOf(0), idOf(1), '--where', 'lr=0.1')).stderr).toMatch(/2 runs are named/);
});

it('shows of long texts only where they begin to differ', async () => {
  const text = 'line\n'.repeat(20_000);
  const runs = ['one', 'two'].map((end, at) =>
    recordOf({
      index: 20 + at,
      run_id: idOf(20 + at),
      metrics: { same: text, text: `${text}${end}${text}` },
    }),
  );
  const other = await openFileStore(join(lastingFolder(), 'long'), { create: true });
  await other.writeManifest(manifestOf());
  writeSegment(other, runs);
  const named = ['compare', idOf(20), idOf(21), '--store', other.root];
  const { stdout } = await metalab(named);
  expect(stdout).toMatch(/^ +text +….*line↵oneline↵.*… +….*line↵twoline↵.*…$/m);
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThan(2200);
  const { stdout: json } = await metalab([...named, '--json']);
  const { facts } = JSON.parse(json);
  expect(facts.find(({ name }: { readonly name: string }) => name === 'text').values).toEqual(
    Object.fromEntries(runs.map(({ run_id, metrics }) => [run_id, metrics.text])),
  );
});
