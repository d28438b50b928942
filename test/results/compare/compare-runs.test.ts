import { expect, it, onTestFinished } from 'vitest';
import type { RunRecord } from '../../../src/definition/record.js';
import { fingerprint } from '../../../src/identity/fingerprint.js';
import { type ComparedFact, compareRuns } from '../../../src/results/compare/compare-runs.js';
import { resultsOf } from '../../../src/results/open.js';
import type { StoredRun } from '../../../src/results/stored-run.js';
import { derivedLine } from '../../../src/storage/file/formats/derived.js';
import { declarationOf, SWEEP, submitTo } from '../../activities/submission-in-store.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { manifestOf, recordOf, writeSegment } from '../../support/records.js';

const GAP_CODE = fingerprint('gap');

const sweepRun = (index: number, overrides: Partial<RunRecord>): RunRecord =>
  recordOf({ index, experiment_id: SWEEP, ...overrides });

/** Two submissions of one experiment, by other code, context and seeds, and a run of another experiment. */
async function open() {
  const store = await temporaryStore();
  const { operation } = manifestOf();
  await submitTo(store, {
    submission: 's1',
    declaration: declarationOf(2, {
      operation: { ...operation, modules: { 'a.ts': '1', 'b.ts': '1' }, packages: { zod: '4.0.0' } },
      context: { rate: 0.5 },
      seeds: { base: 1, replicates: 1 },
    }),
    manifest: {
      git: { commit: 'a'.repeat(40), dirty: false, diff: 'a diff' },
      environment: { name: 'here', type: 'local', services: { secret: 'x' }, executor: { slots: 2 } },
    },
    isPlanned: false,
  });
  await submitTo(store, {
    submission: 's2',
    declaration: declarationOf(2, {
      operation: { ...operation, modules: { 'a.ts': '1', 'b.ts': '2' }, packages: { zod: '4.0.0' } },
      context: { rate: 0.7 },
      seeds: { base: 2, replicates: 1 },
    }),
    manifest: {
      git: { commit: 'b'.repeat(40), dirty: false, diff: null },
      environment: { name: 'here', type: 'local', services: { secret: 'y' }, executor: { slots: 4 } },
    },
    isPlanned: false,
  });
  const first = sweepRun(0, {
    params: { lr: 0.1, opt: 'sgd', x: null, size: 10 },
    metrics: { loss: 0.5, zero: 0, diverged: Number.NaN, label: 'a' },
    provenance: { host: 'h', slot: 'host-1-aa', max_rss_bytes: 100, job: 7 },
  });
  const second = sweepRun(1, {
    params: { lr: 0.2, opt: 'sgd', size: 10 },
    metrics: { loss: 0.25, zero: 1, diverged: 3, label: 'b' },
    provenance: { host: 'h', slot: 'host-2-bb', max_rss_bytes: 300, job: 8 },
    code_fingerprint: 'c'.repeat(64),
  });
  const place = { experiment: SWEEP };
  writeSegment(
    store,
    [{ ...first, metrics: { ...first.metrics, diverged: { $numberDouble: 'NaN' } } }],
    place,
  );
  writeSegment(store, [second], { ...place, submission: 's2' });
  const point = { run_id: first.run_id, attempt: 1, generation: 0, name: 'loss' };
  writeSegment(
    store,
    [1, 0.5].map((value, step) => ({ ...point, step, value })),
    { ...place, kind: 'series' },
  );
  writeSegment(
    store,
    [1, 0.75, 0.5].map((value, step) => ({ ...point, run_id: second.run_id, step, value })),
    { ...place, kind: 'series', submission: 's2', writer: 'host-2-bb' },
  );
  const gap = (run: RunRecord, value: number) =>
    `${derivedLine(run, GAP_CODE, { derivation: 'gap', values: { gap: value } })}\n`;
  writeSegment(store, [gap(first, 4)], { ...place, kind: 'derived' });
  writeSegment(store, [gap(second, 1)], {
    ...place,
    kind: 'derived',
    submission: 's2',
    writer: 'host-2-bb',
  });
  const derived = { gap: { ref: 'a.ts#gap', code_fingerprint: GAP_CODE } };
  await store.writeManifest(manifestOf({ experiment_id: SWEEP, derived }));
  await store.writeManifest(manifestOf());
  writeSegment(store, [recordOf({ index: 5 })]);
  const results = resultsOf(store, SWEEP);
  const other = resultsOf(store, manifestOf().experiment_id);
  onTestFinished(async () => void (await Promise.all([results.close(), other.close()])));
  // The second is of other code.
  return { sweep: results.all(), other };
}

async function listed(runs: AsyncIterable<StoredRun>): Promise<StoredRun[]> {
  const all: StoredRun[] = [];
  for await (const run of runs) all.push(run);
  return all;
}

const differing = (facts: readonly ComparedFact[]) =>
  Object.fromEntries(
    facts
      .filter(({ differs }) => differs)
      .map(({ kind, name, values, changes }) => [`${kind}.${name}`, [...values, changes[1]]]),
  );

it('says what differs between two runs, and by how much', async () => {
  const { sweep } = await open();
  const { runs, facts } = await compareRuns(sweep.runs());
  expect(runs.map(({ submission }) => submission)).toEqual(['s1', 's2']);
  expect(differing(facts)).toEqual({
    'run.submission': ['s1', 's2', undefined],
    'params.lr': [0.1, 0.2, { delta: 0.1, ratio: 2 }],
    'params.x': [null, undefined, undefined],
    'seeds.base': [1, 2, undefined],
    'seeds.replicate': [0, 1, undefined],
    'code.fingerprint': [expect.any(String), 'c'.repeat(64), undefined],
    'code.b.ts': ['1', '2', undefined],
    'context.rate': [0.5, 0.7, undefined],
    'metrics.loss': [0.5, 0.25, { delta: -0.25, ratio: 0.5 }],
    'metrics.zero': [0, 1, { delta: 1, ratio: null }],
    'metrics.diverged': [Number.NaN, 3, undefined],
    'metrics.label': ['a', 'b', undefined],
    'derived.gap': [4, 1, { delta: -3, ratio: 0.25 }],
    'series.loss last step': [1, 2, { delta: 1, ratio: 2 }],
    // Its metric says another value.
    'series.loss last value': [undefined, 0.5, undefined],
    'environment.executor.slots': [2, 4, undefined],
    'provenance.max_rss_bytes': [100, 300, { delta: 200, ratio: 3 }],
    'provenance.job': [7, 8, undefined],
    'git.commit': ['a'.repeat(40), 'b'.repeat(40), undefined],
  });
  const equal = facts.filter(({ differs }) => !differs).map(({ kind, name }) => `${kind}.${name}`);
  expect(equal).toEqual(expect.arrayContaining(['params.opt', 'params.size', 'code.a.ts', 'code.zod']));
  expect(JSON.stringify(facts)).not.toContain('secret');
});

it('compares runs of different experiments', async () => {
  const { sweep, other } = await open();
  const [first] = await listed(sweep.runs());
  const [another] = await listed(other.runs());
  const { facts } = await compareRuns([first!, another!]);
  expect(differing(facts)).toMatchObject({
    'run.experiment': [SWEEP, 'pi_mc:0.1', undefined],
    'params.lr': [0.1, undefined, undefined],
    'params.samples': [undefined, 100, undefined],
  });
});

it('refuses what is no comparison', async () => {
  const { sweep } = await open();
  const [first] = await listed(sweep.runs());
  await expect(compareRuns([])).rejects.toMatchObject({ what: 'no run to compare' });
  await expect(compareRuns([first!])).rejects.toMatchObject({ what: 'one run to compare' });
  await expect(compareRuns([first!, first!])).rejects.toMatchObject({
    what: `run ${first!.id} is there twice`,
  });
  await expect(compareRuns(Array(11).fill(first))).rejects.toMatchObject({ code: 'METALAB_COMPARE' });
});
