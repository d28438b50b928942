import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { DerivePlan } from '../../src/client/derive/derive-file.js';
import type { DeriveFailure } from '../../src/results/derive/failures.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { metalab, resultsJson, startMetalab, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';
import { manifestOf } from '../support/records.js';
import { until } from '../support/until.js';

const CURVES = `import { derive, experiment, grid, operation, seeds } from 'metalab';
export const train = operation(({ params, capture }) => {
  for (let step = 0; step < 5; step++) capture.metric('loss', params.lr / (step + 1), { step });
});
export const curve = derive(async (run) => {
  const { values } = await run.series('loss');
  if (run.params.lr === 3) throw new Error('no curve of 3');
  return { first: values[0], drop: values[0] - values.at(-1) };
});
export const gap = derive((run) => ({ gap: 2 * run.metrics.loss }));
export default experiment({
  name: 'curves', version: '1', operation: train, derived: { curve, gap },
  params: grid({ lr: [1, 2, 3] }), seeds: seeds({ base: 1, replicates: 2 }),
});`;

interface Printed extends Pick<DerivePlan, 'experiment_id' | 'runs' | 'total' | 'derivations'> {
  readonly done?: number;
  readonly failures?: readonly DeriveFailure[];
}

async function derive(project: Project, ...args: string[]) {
  const finished = await metalab(['derive', ...args, '--json'], { cwd: project.folder });
  return { ...finished, printed: JSON.parse(finished.stdout || 'null') as Printed };
}

async function column(project: Project, name: string): Promise<unknown[]> {
  const { stdout } = await metalab(
    ['query', `SELECT "derived.${name}" FROM runs ORDER BY lr`, 'curves', '--json'],
    {
      cwd: project.folder,
    },
  );
  return (JSON.parse(stdout) as object[]).flatMap((row) => Object.values(row));
}

test('declared metrics are derived as runs succeed; a change of their code changes no run, and only they are computed again', async () => {
  const project = await projectWith({ 'curves.ts': CURVES });
  const submit = () => submitJson(['curves.ts'], { cwd: project.folder });
  const first = await submit();
  expect(first.outcome).toMatchObject({ success: 6, failed: 0, executed: 6 });
  expect(first.stderr).toMatch(/derived metrics curve failed for 2 runs, such as \w+: Error: no curve of 3/);
  expect(await column(project, 'drop')).toEqual([0.8, 0.8, 1.6, 1.6, null, null]);
  expect(await column(project, 'gap')).toEqual([0.4, 0.4, 0.8, 0.8, 1.2, 1.2]);
  const [record] = await resultsJson('curves', project.store, ['--where', 'lr=3']);
  const shown = JSON.parse(
    (await metalab(['show', String(record!.run_id), '--json', '--store', project.store])).stdout,
  );
  expect(shown).toMatchObject({
    status: 'success',
    derived: { gap: expect.closeTo(1.2, 9) },
    failed_derivations: [{ derivation: 'curve', type: 'Error', message: 'no curve of 3' }],
  });

  // Only the two that failed are missing; they fail again.
  const again = await derive(project, 'curves.ts');
  expect(again.printed).toMatchObject({ experiment_id: 'curves:1', runs: 6, total: 2, done: 2 });
  expect(again.printed.failures).toMatchObject([
    { derivation: 'curve', runs: 2, message: 'Error: no curve of 3' },
  ]);
  expect(again.code).toBe(1);
  // Nothing was derived that a command could show.
  const told = await metalab(['derive', 'curves.ts'], { cwd: project.folder });
  expect(told.stdout).toMatch(/^curves:1: derived .* for 0 runs, not for 2\n$/);

  await project.write({ 'curves.ts': CURVES.replace('=== 3', '=== 4') });
  expect((await derive(project, 'curves.ts', '--dry-run')).printed).toMatchObject({
    total: 6,
    derivations: [
      { name: 'curve', missing: 6, code: 'changed' },
      { name: 'gap', missing: 0, code: 'same' },
    ],
  });
  expect(await column(project, 'drop')).toEqual([0.8, 0.8, 1.6, 1.6, null, null]);
  const changed = await derive(project, 'curves.ts');
  expect([changed.code, changed.printed.failures]).toEqual([0, []]);
  expect(await column(project, 'drop')).toEqual([0.8, 0.8, 1.6, 1.6, 2.4, 2.4]);
  expect((await submit()).outcome).toMatchObject({ success: 6, reused: 6, executed: 0 });
  expect(await column(project, 'drop')).toEqual([0.8, 0.8, 1.6, 1.6, 2.4, 2.4]);
  expect((await derive(project, 'curves.ts')).printed).toMatchObject({ total: 0, done: 0 });
});

const SWEEP = `import { experiment, grid, operation, seeds } from 'metalab';
export const square = operation(({ params, capture }) => capture.metric('y', params.x ** 2));
export default experiment({
  name: 'curves', version: '1', operation: square, params: grid({ lr: [0], x: [...Array(40).keys()] }), seeds: seeds({ base: 1, replicates: 1 }),
});`;

test('a file of derivations is applied afterwards; ended in between, it goes on where it was', async () => {
  const analysis = `import { derive } from 'metalab';
      import { existsSync } from 'node:fs';
      import { root } from './lib/root.js';
      // Each process gets 5 runs at once.
      let computed = 0;
      export const back = derive(async (run) => {
        while (computed >= 5 && !existsSync('go on')) await new Promise((resolve) => setTimeout(resolve, 20));
        computed++;
        return { back: root(run.metrics.y) };
      });`;
  const project = await projectWith({
    'sweep.ts': SWEEP,
    'lib/root.ts': 'export const root = (y: number): number => Math.sqrt(y);',
    'analysis.ts': analysis,
  });
  expect((await submitJson(['sweep.ts'], { cwd: project.folder })).outcome).toMatchObject({ success: 40 });
  const child = startMetalab(['derive', 'analysis.ts', 'curves', '--slots', '2'], { cwd: project.folder });
  const folder = () => readdirSync(project.path('experiments/curves@1'));
  const kept = async () =>
    folder().includes('derived')
      ? (await column(project, 'back').catch(() => [])).filter((x) => x !== null)
      : [];
  await until(async () => (await kept()).length >= 5);
  child.kill('SIGINT');
  await project.write({ 'go on': '' });
  const { code, stderr } = await child.finished;
  expect([code, stderr]).toEqual([
    130,
    expect.stringMatching(/interrupted: \d+ of 40 runs are computed; the same command goes on/),
  ]);
  const before = (await kept()).length;
  expect(before).toBeLessThan(40);
  const rest = await derive(project, 'analysis.ts', 'curves');
  expect(rest.printed).toMatchObject({ total: 40 - before, done: 40 - before, failures: [] });
  expect([...(await column(project, 'back'))].sort((a, b) => Number(a) - Number(b))).toEqual([
    ...Array(40).keys(),
  ]);
  expect(readdirSync(project.path('experiments/curves@1/derived'))).toContain('back.json');

  // What is computed belongs to its derivation, also when only another one of the file is missing.
  await project.write({ 'analysis.ts': `${analysis}\nexport const other = derive(() => ({ back: -1 }));` });
  const other = await derive(project, 'analysis.ts', 'curves');
  expect(other.printed).toMatchObject({
    total: 40,
    failures: [
      { derivation: 'other', runs: 40, message: expect.stringContaining("metric of the derivation 'back'") },
    ],
  });
  expect(await column(project, 'back')).not.toContain(-1);
});

test('the slots of a later submit know whose the metrics are that were derived afterwards', async () => {
  const sweep = (
    gap: string,
    x: number,
  ) => `import { derive, experiment, grid, operation, seeds } from 'metalab';
    export const square = operation(({ params, capture }) => capture.metric('y', params.x ** 2));
    export const gap = derive(() => (${gap}));
    export default experiment({
      name: 'curves', version: '1', operation: square, derived: { gap },
      params: grid({ lr: [0], x: [...Array(${x}).keys()] }), seeds: seeds({ base: 1 }),
    });`;
  const project = await projectWith({
    'sweep.ts': sweep('{ gap: 1 }', 2),
    'analysis.ts': `import { derive } from 'metalab';
      export const double = derive((run) => ({ double: 2 * run.metrics.y }));
      export const other = derive((run) => ({ other: run.derived.gap }));
      export const none = derive(async (run) => ({ none: await run.series('none') }));`,
  });
  await submitJson(['sweep.ts'], { cwd: project.folder });
  const { printed } = await derive(project, 'analysis.ts', 'curves');
  // No message names the run: what fails alike is one failure.
  expect(printed).toMatchObject({
    done: 2,
    failed: 2,
    failures: expect.arrayContaining([
      expect.objectContaining({
        derivation: 'other',
        runs: 2,
        message: expect.stringContaining("can't read derived metrics"),
      }),
      expect.objectContaining({
        derivation: 'none',
        runs: 2,
        message: expect.stringContaining("has no series 'none'"),
      }),
    ]),
  });
  expect(await column(project, 'double')).toEqual([0, 2]);

  await project.write({ 'sweep.ts': sweep('{ double: -1 }', 3) });
  const { stderr } = await submitJson(['sweep.ts'], { cwd: project.folder });
  expect(stderr).toMatch(
    /derived metrics gap failed for 1 run.*'double' is a metric of the derivation 'double' already/,
  );
  await derive(project, 'analysis.ts', 'curves');
  expect(await column(project, 'double')).toEqual([0, 2, 8]);
});

test.each([
  [
    'exports no derivation',
    { 'a.ts': 'export const x = 1;' },
    ['a.ts', 'curves'],
    /a\.ts: exports no derivation[\s\S]*export const gap = derive/,
  ],
  ['does not exist', {}, ['none.ts', 'curves'], /there is no such file/],
  [
    'names no experiment of the store',
    { 'a.ts': `import { derive } from 'metalab'; export const d = derive(() => ({ a: 1 }));` },
    ['a.ts', 'other'],
    /other/,
  ],
  [
    'gives derive no function',
    { 'a.ts': `import { derive } from 'metalab'; export const d = derive({ a: 1 });` },
    ['a.ts', 'curves'],
    /derive: got \{"a":1\}[\s\S]*expected: a function of a run/,
  ],
  [
    'exports a derivation under a name that is none of a file',
    {
      'a.ts': `import { derive } from 'metalab'; const d = derive(() => ({ a: 1 })); export { d as '../x' };`,
    },
    ['a.ts', 'curves'],
    /the export '..\/x': is no name of a derivation[\s\S]*expected: letters/,
  ],
])('a file that %s is an error', async (_, files, args, message) => {
  const project = await projectWith(files);
  const store = await openFileStore(project.store, { create: true });
  await store.writeManifest(manifestOf({ experiment_id: 'curves:1', name: 'curves', version: '1' }));
  const { code, stderr } = await metalab(['derive', ...args], { cwd: project.folder });
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
});

test('mistakes in the derivations of an experiment are reported together, before anything runs', async () => {
  const file = CURVES.replace('export const gap', 'const gap').replace(
    'derived: { curve, gap }',
    `derived: { curve, wrong: 3, 'a b': curve }, retries: -1`,
  );
  const project = await projectWith({ 'curves.ts': file });
  const { code, stderr } = await metalab(['submit', 'curves.ts'], { cwd: project.folder });
  expect(code).toBe(2);
  for (const problem of [
    /derived\.wrong: is 3/,
    /derived\.a b: is no name of a derivation/,
    /retries: is -1/,
  ])
    expect(stderr).toMatch(problem);
  await project.write({ 'curves.ts': CURVES.replace('export const gap', 'const gap') });
  expect((await metalab(['submit', 'curves.ts'], { cwd: project.folder })).stderr).toMatch(
    /the derivation is not exported by any module[\s\S]*export const gap = derive/,
  );
});
