import { readdirSync, readFileSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RunRecord } from '../../src/definition/record.js';
import { recordsIn } from '../support/records.js';
import { useCluster } from './cluster.js';

const cluster = await useCluster();

/** All that an operation may use and capture; every seventh run fails. */
const EXPERIMENT = `
  import { readFileSync } from 'node:fs';
  import { experiment, file, grid, operation, seeds } from 'metalab';
  export const counted = operation(({ params, seeds, context, capture }) => {
    const table = readFileSync(context.table.path, 'utf8').trim().split('\\n').map(Number);
    const rng = seeds.rng('noise');
    let sum = 0;
    for (let i = 0; i < 1000; i++) sum += Math.sin(rng.float() * table[i % table.length]) * params.scale + Math.random();
    for (let step = 0; step < 5; step++) capture.metric('loss', sum / (step + 1), { step });
    capture.metrics({ sum, label: params.kind, good: sum > 0, seed: seeds.seed32('x') });
    capture.artifact('sums', new Float64Array([sum, 1 / sum]));
    capture.data('tree', { leaves: [params.scale, { deep: sum }] });
    capture.tag('same'); capture.note('of ' + params.kind); capture.warn('careful');
    console.log('said by', params.kind);
    console.warn('warned of', params.scale);
    if (params.scale === 7) throw new RangeError('scale 7 is too much');
  });
  export default experiment({
    name: 'same', version: '1', operation: counted, context: { table: file('table.txt') },
    params: grid({ scale: [1, 2, 3, 7], kind: ['a', 'b', 'ü'] }), seeds: seeds({ base: 42, replicates: 3 }),
  });`;

/** Of a record, what the place and the time have no part in. Which pack an artifact is in depends on the slot. */
function essenceOf({
  started_at: _,
  finished_at: __,
  duration_ms: ___,
  provenance: ____,
  error,
  artifacts,
  ...record
}: RunRecord) {
  const { type, message } = error ?? {};
  const contents = artifacts?.map(({ uri: _____, ...content }) => content);
  return { ...record, artifacts: contents, ...(error && { error: { type, message } }) };
}

const byRun = (records: readonly RunRecord[]) =>
  records.map(essenceOf).sort((a, b) => a.run_id.localeCompare(b.run_id));

/** Lines of a store's series, data or logs, without what the time has part in. */
function linesOf(store: string, kind: string): unknown[] {
  const files = readdirSync(store, { recursive: true }).map(String);
  return files
    .filter((name) => new RegExp(`/${kind}-[^/]*\\.ndjson$`).test(name))
    .flatMap((name) => readFileSync(join(store, name), 'utf8').trim().split('\n'))
    .map((line) => {
      const { time: _, at: __, timestamp: ___, ...rest } = JSON.parse(line) as { [key: string]: unknown };
      return JSON.stringify(rest);
    })
    .sort();
}

it('runs have the same ids, metrics and captures as on this machine, and each place reuses what the other did', async () => {
  const sweep = await cluster.project({ xs: 1 }, ['cpus = 2']);
  const table = Array.from({ length: 100 }, (_, i) => 1 / (i + 1)).join('\n');
  await sweep.project.write({ 'counted.mjs': EXPERIMENT, 'table.txt': table });
  const stores = { cluster: sweep.project.path('from cluster'), local: sweep.project.path('from local') };
  const outcomes = await Promise.all(
    (['cluster', 'local'] as const).map((env) => sweep.finish('--env', env, '--store', stores[env])),
  );
  for (const outcome of outcomes)
    expect(outcome).toMatchObject({ total: 36, executed: 36, success: 27, failed: 9 });
  const there = recordsIn(stores.cluster, 'same:1');
  const here = recordsIn(stores.local, 'same:1');
  expect(new Set(there.map(({ provenance }) => provenance.executor))).toEqual(new Set(['slurm']));
  expect(new Set(here.map(({ provenance }) => provenance.executor))).toEqual(new Set(['local']));
  expect(new Set(there.map(({ provenance }) => provenance.node))).toEqual(new Set([process.versions.node]));
  expect(there).toHaveLength(36);
  expect(byRun(there)).toEqual(byRun(here));
  for (const kind of ['series', 'data', 'logs']) {
    expect(linesOf(stores.cluster, kind).length, kind).toBeGreaterThan(0);
    expect(linesOf(stores.cluster, kind), kind).toEqual(linesOf(stores.local, kind));
  }
  // Another spool: this one has what it would reuse.
  const other = (await readFile(sweep.project.path('.metalab.toml'), 'utf8'))
    .replaceAll('environments.cluster', 'environments.other')
    .replace('/spool', '/other spool');
  await appendFile(sweep.project.path('.metalab.toml'), other.slice(other.indexOf('[environments')));
  const jobs = await cluster.jobsByName();
  const again = { total: 36, executed: 0, reused: 36 };
  expect(await sweep.finish('--env', 'local', '--store', stores.cluster, '--keep-failed')).toMatchObject(
    again,
  );
  expect(await sweep.finish('--env', 'other', '--store', stores.local, '--keep-failed')).toMatchObject(again);
  expect(recordsIn(stores.local, 'same:1')).toHaveLength(36);
  // A store that was lost, with the laptop: what the spool has need not be done again.
  const third = sweep.project.path('after the loss');
  expect(await sweep.finish('--env', 'cluster', '--store', third, '--keep-failed')).toMatchObject(again);
  expect(byRun(recordsIn(third, 'same:1'))).toEqual(byRun(there));
  expect(await cluster.jobsByName()).toEqual(jobs);
}, 540_000);
