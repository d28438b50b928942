import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { metalab, ROOT, resultsJson, submitJson } from '../support/metalab.js';
import { Project } from '../support/project.js';
import { readmeCommands, runReadmeCommand } from './readme-commands.js';

test('pi-mc estimates π, ten times the samples for about a third of the error', {
  timeout: 360_000,
}, async () => {
  const { mean, std } = await carryOut('pi-mc', 'pi_mc:0.1', 30);
  for (const samples of [100_000, 1_000_000, 5_000_000]) {
    expect(mean('pi', { samples })).toBeCloseTo(Math.PI, 1);
    const expected = Math.sqrt((Math.PI * (4 - Math.PI)) / samples);
    expect(std('pi', { samples })).toBeGreaterThan(expected / 2);
    expect(std('pi', { samples })).toBeLessThan(expected * 2);
  }
});

test('curve-fit overfits, and its penalty helps, as its README says', { timeout: 360_000 }, async () => {
  const { mean, project } = await carryOut('curve-fit', 'curve_fit:0.1', 300, ['--where', 'replicate=0']);
  const rmse = (degree: number, lambda: number) => mean('test_rmse', { degree, lambda });
  expect(mean('train_rmse', { degree: 1, lambda: 0 })).toBeCloseTo(4.8, 1);
  expect(mean('train_rmse', { degree: 10, lambda: 0 })).toBeCloseTo(4.07, 1);
  expect([rmse(1, 0), rmse(2, 0), rmse(10, 0), rmse(10, 0.001)].map((value) => value.toFixed(2))).toEqual([
    '5.01',
    '4.45',
    '5.10',
    '4.57',
  ]);
  const figure = await metalab([
    'artifacts',
    await oneRun('curve_fit', project.store, ['--where', 'replicate=0']),
    '--get',
    'fit',
    '--store',
    project.store,
  ]);
  expect(JSON.parse(figure.stdout)).toHaveProperty('$schema');
});

test('hypersearch finds networks that classify nearly all penguins', { timeout: 360_000 }, async () => {
  const { records, project } = await carryOut('hypersearch', 'hypersearch:0.1', 120);
  const best = [...records].sort((a, b) => a.metrics.val_loss! - b.metrics.val_loss!).slice(0, 10);
  for (const { params, metrics } of best) {
    expect(params.learning_rate).toBeGreaterThan(0.01);
    expect(metrics.test_accuracy).toBeGreaterThanOrEqual(0.98);
  }
  expectChart(project, 'hypersearch', 'overfit.svg');
  const confusion = await metalab([
    'artifacts',
    records[0]!.run_id,
    '--get',
    'confusion',
    '--store',
    project.store,
  ]);
  expect(confusion.stdout.trim().split('\n')).toHaveLength(4);
  const shown = await metalab(['show', records[0]!.run_id, '--store', project.store]);
  expect(shown.stdout).toContain('val_loss');
});

test('optbench tells optimisers apart, and keeps trajectories that NumPy can read', {
  timeout: 360_000,
}, async () => {
  const { mean, records, project } = await carryOut('optbench', 'optbench:0.1', 240);
  expect(mean('evaluations', { optimiser: 'nelder_mead', problem: 'sphere', dimension: 2 })).toBeLessThan(
    1000,
  );
  expect(
    mean('evaluations', { optimiser: 'nelder_mead', problem: 'rosenbrock', dimension: 10 }),
  ).toBeLessThan(5000);
  expect(mean('evaluations', { optimiser: 'random_search', problem: 'sphere', dimension: 10 })).toBe(10_000);
  expect(records.every(({ metrics }) => metrics.best_value! >= 0)).toBe(true);
  expectChart(project, 'optbench', 'effort.svg');
  const npy = readFileSync(join(project.folder, 'trajectory.npy'));
  expect(npy.subarray(1, 6).toString('latin1')).toBe('NUMPY');
  expect(npy.length).toBeGreaterThan(128);
});

/** What a chart says: with the same runs, the file in the README is the one that its command writes. */
const textsOf = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text);

function expectChart(project: Project, example: string, name: string): void {
  const written = textsOf(readFileSync(join(project.folder, name), 'utf8'));
  expect(written.length).toBeGreaterThan(10);
  expect(written).toEqual(textsOf(readFileSync(join(ROOT, 'examples', example, name), 'utf8')));
}

interface ExampleRecord {
  readonly run_id: string;
  readonly status: string;
  readonly params: { readonly [name: string]: unknown };
  readonly metrics: { readonly [name: string]: number };
}

/** Runs every command line of an example's README. Submitted again, everything is reused. */
async function carryOut(example: string, id: string, runs: number, oneOf: readonly string[] = []) {
  const project = new Project();
  const [submit, ...others] = await readmeCommands(example);
  expect(submit).toBe(`npx metalab submit examples/${example}/experiment.ts`);
  expect(others.length).toBeGreaterThanOrEqual(2);
  const at = { cwd: project.folder, store: project.store };
  const submitted = await runReadmeCommand(submit!, { ...at, run: '' });
  expect(submitted).toContain(`${id}: ${runs} runs: ${runs} success; ${runs} executed, 0 reused`);

  const run = await oneRun(id, project.store, oneOf);
  for (const line of others) {
    const output = await runReadmeCommand(line, { ...at, run });
    expect(output.length > 0 || />|--out/.test(line), line).toBe(true);
  }
  const again = await submitJson([
    join(ROOT, 'examples', example, 'experiment.ts'),
    '--store',
    project.store,
  ]);
  expect(again.outcome).toMatchObject({ total: runs, reused: runs, executed: 0, success: runs });
  expect(existsSync(join(ROOT, 'examples', example, 'experiments'))).toBe(false);

  const records = (await resultsJson(id, project.store)) as unknown as ExampleRecord[];
  expect(records).toHaveLength(runs);
  const values = (metric: string, where: ExampleRecord['params']) =>
    records
      .filter(({ params }) => Object.entries(where).every(([name, value]) => params[name] === value))
      .map(({ metrics }) => metrics[metric]!);
  return {
    project,
    records,
    mean: (metric: string, where: ExampleRecord['params']) => meanOf(values(metric, where)),
    std: (metric: string, where: ExampleRecord['params']) => stdOf(values(metric, where)),
  };
}

async function oneRun(experiment: string, store: string, where: readonly string[]): Promise<string> {
  const [record] = await resultsJson(experiment, store, ['--limit', '1', ...where]);
  return String(record?.run_id);
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function stdOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
