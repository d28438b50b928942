import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RunRecord } from '../../../src/definition/record.js';
import { openFileStore } from '../../../src/storage/file/open.js';
import { lastingFolder, temporaryFolder } from '../../storage/file/temporary-store.js';
import { metalab, resultsJson } from '../../support/metalab.js';
import { recordsIn } from '../../support/records.js';
import { derivedOf, hashesIn, type ImportReport, importPython, writePythonStore } from './python-store.js';

const json = async (store: string, ...args: string[]) => {
  const { stdout, stderr } = await metalab([...args, '--store', store, '--json']);
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout);
};

const rowsOf = async (store: string, experiment: string) =>
  (await resultsJson(experiment, store)) as unknown as RunRecord[];

describe('a store of three experiments', () => {
  let source: string;
  let store: string;
  let report: ImportReport;
  let sourceBefore: Record<string, string>;
  let written: { readonly sweep: string[]; readonly figures: string };

  beforeAll(async () => {
    const folder = lastingFolder();
    source = join(folder, 'lab');
    store = join(folder, 'store');
    written = JSON.parse(writePythonStore(source, 'lab'));
    sourceBefore = hashesIn(source);
    report = await importPython(source, store);
  });

  it('is counted, and the source stays as it was', async () => {
    expect(report.experiments).toMatchObject([
      { experiment_id: 'failures:2.0', records: 4, statuses: { success: 1, failed: 1, cancelled: 2 } },
      { experiment_id: 'figures:0.1', records: 1, artifacts: 12 },
      {
        experiment_id: 'sweep:1.0',
        records: 4,
        logs: 4,
        series: 4,
        data: 4,
        derived: 4,
        known: 0,
        statuses: { success: 4 },
      },
    ]);
    expect(hashesIn(source)).toEqual(sourceBefore);
  });

  it('has its broken files named with the reason', () => {
    expect(report.broken.map(({ path, why }) => `${path}: ${why}`)).toEqual([
      expect.stringMatching(/^sweep_1\.0\/runs\/aaaa\.json: is no JSON: /),
      'sweep_1.0/runs/bbbb.json: is empty',
      'sweep_1.0/runs/cccc.json: is no JSON object',
      'sweep_1.0/runs/dddd.json: is no UTF-8',
      'sweep_1.0/runs/eeee.json: has the unknown status "exploded"',
    ]);
  });

  it('shows params, metrics, derived metrics and replicates in results', async () => {
    const rows = await rowsOf(store, 'sweep');
    expect(rows.map(({ params, replicate, status }) => [params.lr, replicate, status])).toEqual([
      [0.1, 0, 'success'],
      [0.1, 1, 'success'],
      [0.2, 0, 'success'],
      [0.2, 1, 'success'],
    ]);
    expect(rows[2]).toMatchObject({
      params: { lr: 0.2, layers: [8, { width: 4 }] },
      metrics: { loss: 0.1, best: true, note: 'ok', n: '1152921504606846977' },
      started_at: expect.stringMatching(/:02:00\.123Z$/),
      duration_ms: 2000,
      tags: ['lab', 'fast'],
      provenance: {
        imported_from: 'Python metalab',
        host: 'node7',
        executor: 'thread',
        python_run_id: written.sweep[2],
        python_experiment_id: 'sweep:1.0',
        python_context_fingerprint: 'ctx',
        python_code_hash: 'c0de',
        python_metalab_version: '0.3.0',
        python_finished_at: '2025-03-01T09:02:02.123456',
      },
    });
    expect(await derivedOf(store, 'sweep', 'gap')).toEqual([{ gap: 1 }, { gap: 1 }, { gap: 2 }, { gap: 2 }]);
    const csv = join(temporaryFolder(), 'sweep.csv');
    await metalab(['results', 'sweep', '--store', store, '--csv', csv]);
    expect(readFileSync(csv, 'utf8').split('\n')[0]).toContain('derived.gap');
    expect(readFileSync(csv, 'utf8')).toContain('-Infinity');
  });

  it('shows failed, cancelled and unfinished runs with their errors, notes and warnings', async () => {
    const rows = await rowsOf(store, 'failures');
    expect(rows.map(({ params, status }) => [params.x, status])).toEqual([
      [1, 'success'],
      [2, 'failed'],
      [3, 'cancelled'],
      [4, 'cancelled'],
    ]);
    expect(rows[1]).toMatchObject({
      error: { type: 'ValueError', message: 'no such x' },
      notes: ['look at it'],
    });
    expect(recordsIn(store, 'failures:2.0')[1]!.error!.stack).toContain('Traceback');
    expect(rows[2]!.warnings).toEqual(['stopped by hand']);
    expect(rows[3]!.warnings).toEqual(["its status was 'running': it had not ended when it was imported"]);
  });

  it('list, status, store info and store check work with the imported store', async () => {
    expect(await json(store, 'list')).toMatchObject([
      {
        experiment_id: 'sweep:1.0',
        cells: 4,
        runs: { success: 4 },
        older: 0,
        description: 'what it is about',
      },
      { experiment_id: 'figures:0.1', cells: 1 },
      { experiment_id: 'failures:2.0', cells: 4, runs: { success: 1, failed: 1, cancelled: 2 } },
    ]);
    expect(await json(store, 'status', 'failures')).toMatchObject({
      state: 'completed',
      total: 4,
      success: 1,
      failed: 1,
      cancelled: 2,
      pending: 0,
    });
    expect(await json(store, 'store', 'info')).toMatchObject({ runs: 9, artifacts: 12 });
    expect(await json(store, 'store', 'check')).toMatchObject({
      checked: { records: 9 },
      counts: { errors: 0, warnings: 0, notes: 0 },
    });
    expect((await metalab(['store', 'gc', '--store', store])).stdout).toContain('nothing to delete');
  });

  it('has each run with its log, curves and data', async () => {
    const [record] = await rowsOf(store, 'sweep');
    const logs = await json(store, 'logs', record!.run_id);
    expect(logs).toMatchObject([
      { level: 'info', message: 'begun' },
      { level: 'warn', message: '[sklearn] slow: lr=0.1' },
      { level: 'warn', message: 'no time here' },
    ]);
    const { series, data, submission } = await json(store, 'show', record!.run_id);
    expect(series).toMatchObject([{ name: 'loss', points: 5, first: 0.1, last: 0.02 }]);
    expect(data).toEqual(['matrix']);
    expect(submission).toMatch(/^\d{8}T/);
    const opened = await openFileStore(store);
    const [stored] = recordsIn(store, 'sweep:1.0');
    for await (const { value } of opened.data(stored!))
      expect(value).toEqual([
        [1, 2],
        [3, 'NaN'],
      ]);
    expect(stored!.provenance).toMatchObject({
      python_data: { matrix: { dtype: 'float64', shape: [2, 2] } },
    });
    expect(stored!.warnings).toContain("data 'matrix' holds NaN, which is kept as text");
  });

  it('has the bytes of artifacts of each format, also where their uris lead nowhere any more', async () => {
    const [record] = await rowsOf(store, 'figures');
    const artifacts = (await json(store, 'artifacts', record!.run_id)) as RunRecord['artifacts'];
    expect(artifacts.map(({ name, kind, format }) => `${name} ${kind} ${format}`)).toEqual([
      'table artifact json',
      'vector artifact npy',
      'arrays artifact npz',
      'model artifact pkl',
      'report file text',
      'plot figure png',
      'raw file bytes',
      'large file bytes',
      'moved artifact json',
      'relative artifact json',
      'listed file csv',
      'loose.txt file text',
    ]);
    const saved = temporaryFolder();
    await metalab(['artifacts', 'figures', '--store', store, '--get-all', saved]);
    const folder = join(source, 'figures_0.1', 'artifacts', written.figures);
    const original = Object.values(hashesIn(folder)).sort();
    const manifest = hashesIn(folder)[join(folder, '_manifest.json')];
    expect(Object.values(hashesIn(saved)).sort()).toEqual(original.filter((hash) => hash !== manifest));
    expect(artifacts[0]!.metadata).toEqual({
      author: 'me',
      python: { artifact_id: 'id-of-table', kind: 'json' },
    });
  });

  it('an artifact that is gone, and a file that is not of the store, are named and left out', async () => {
    expect(report.missing_artifacts).toMatchObject([
      { python_run_id: written.figures, name: 'gone', why: expect.stringContaining('there is no file') },
      { name: 'elsewhere', why: expect.stringContaining('secret.txt is outside of the folder') },
    ]);
    const [record] = await rowsOf(store, 'figures');
    expect(record!.warnings).toMatchObject([
      expect.stringContaining("artifact 'gone' was not imported"),
      expect.stringContaining("artifact 'elsewhere' was not imported"),
    ]);
  });

  it('keeps the manifests of the Python metalab, and can not be retried', async () => {
    const manifest = JSON.parse(readFileSync(join(store, 'sweep@1.0', 'experiment.json'), 'utf8'));
    expect(manifest).toMatchObject({
      imported_from: 'Python metalab',
      tags: ['lab'],
      operation: { name: 'train', ref: 'ops:train' },
      seeds: { base: 7, replicates: 2 },
      metadata: { paper: 'draft', python: { manifests: [{ total_runs: 4 }] } },
    });
    const { code, stderr } = await metalab(['retry', 'failures', '--store', store]);
    expect(code).toBe(1);
    expect(stderr).toContain('its runs were imported from the Python metalab');
  });

  it('one experiment of it, its runs/ alone and a folder above it can be imported, too', async () => {
    const target = join(temporaryFolder(), 'store');
    expect((await importPython(join(source, 'figures_0.1'), target)).experiments).toMatchObject([
      { experiment_id: 'figures:0.1', artifacts: 12 },
    ]);
    expect((await importPython(join(source, 'sweep_1.0', 'runs'), target)).experiments).toMatchObject([
      { experiment_id: 'sweep:1.0', records: 4, logs: 4 },
    ]);
    expect((await importPython(join(source, '..'), target)).experiments).toMatchObject([
      { experiment_id: 'failures:2.0', records: 4 },
      { experiment_id: 'figures:0.1', records: 0, known: 1 },
      { experiment_id: 'sweep:1.0', records: 0, known: 4 },
    ]);
  });
});

it('several experiments in one runs/, without manifests, are told apart', async () => {
  const [source, store] = [join(temporaryFolder(), 'flat'), join(temporaryFolder(), 'store')];
  writePythonStore(source, 'flat');
  const report = await importPython(source, store);
  expect(report).toMatchObject({
    experiments: [
      { experiment_id: 'one:1', records: 3, logs: 3 },
      { experiment_id: 'two:1', records: 2, logs: 1 },
    ],
    broken: [],
  });
  const rows = await rowsOf(store, 'one');
  expect(rows.map(({ metrics }) => metrics.y)).toEqual([0, 1, 2]);
  expect(await json(store, 'logs', rows[1]!.run_id)).toMatchObject([
    { level: 'stdout', message: 'printed 1' },
  ]);
  // The same params and seed under another context.
  const both = await rowsOf(store, 'two');
  expect(both.map(({ replicate, metrics }) => [replicate, metrics.z])).toEqual([
    [0, 1],
    [1, 2],
  ]);
  expect(await json(store, 'store', 'check')).toMatchObject({ counts: { errors: 0 } });
});

it('files in folders of two characters are found', async () => {
  const [source, store] = [join(temporaryFolder(), 'deep'), join(temporaryFolder(), 'store')];
  writePythonStore(source, 'sharded-folders');
  expect((await importPython(source, store)).experiments).toMatchObject([
    { records: 3, artifacts: 3, logs: 3, series: 3, derived: 3 },
  ]);
  const rows = await rowsOf(store, 'deep');
  // The order of their starts is the opposite: the number of a replicate is that of its seed.
  expect(rows.map(({ replicate, metrics }) => [replicate, metrics.y])).toEqual([
    [0, 0],
    [1, 1],
    [2, 2],
  ]);
});

it('records of few fields, other words, other times and numbers beyond JSON are imported', async () => {
  const [source, store] = [join(temporaryFolder(), 'odd'), join(temporaryFolder(), 'store')];
  writePythonStore(source, 'odd');
  const { experiments, broken } = await importPython(source, store);
  expect(broken).toMatchObject([{ path: 'My exp_1.0 beta/runs/nested.json', why: 'is nested too deeply' }]);
  expect(experiments).toMatchObject([
    { experiment_id: 'My-exp:1.0-beta', python_experiment_id: 'My exp:1.0 beta', records: 3 },
  ]);
  const byId = Object.fromEntries(
    recordsIn(store, 'My-exp:1.0-beta').map((record) => [String(record.provenance.python_run_id), record]),
  );
  expect(byId.least).toMatchObject({ status: 'success', params: {}, metrics: {} });
  expect(byId.nostatus).toMatchObject({ status: 'failed', params: { x: 1 } });
  expect(byId.times).toMatchObject({
    status: 'success',
    started_at: '2024-12-31T22:00:00.000Z',
    finished_at: '2024-12-31T22:00:05.500Z',
    duration_ms: 5500,
    params: { big: '9223372036854775808', nan: 'NaN', deep: { list: [1, null, '1180591620717411303424'] } },
    metrics: {
      list: '[1,2]',
      nan: { $numberDouble: 'NaN' },
      inf: { $numberDouble: 'Infinity' },
      text: 'a\ufffdb 🎉',
    },
    notes: ['one', 'two'],
    error: { type: 'Error', message: 'only text' },
    provenance: { python_future_field: { kept: true } },
  });
  expect(byId.times!.warnings).toContain("metric 'none' was None, and is left out");
  expect(await json(store, 'store', 'check')).toMatchObject({ counts: { errors: 0, warnings: 0 } });
});

it('what can not be imported is refused with what was expected, and makes no store', async () => {
  const folder = temporaryFolder();
  const store = join(folder, 'store');
  const refused = async (...args: string[]) => {
    const { code, stderr } = await metalab(['store', 'import', ...args, '--store', store]);
    expect(code).toBe(2);
    return stderr;
  };
  expect(await refused()).toContain('--from-python DIR');
  expect(await refused('--from-python', join(folder, 'nowhere'))).toContain('there is no such folder');
  await mkdir(join(folder, 'sharded', '.metalab'), { recursive: true });
  await writeFile(join(folder, 'sharded', '.metalab', 'meta.json'), '{"layout_version": 4}');
  expect(await refused('--from-python', folder)).toContain('has its records in shards');
  await rm(join(folder, 'sharded'), { recursive: true });
  expect(await refused('--from-python', folder)).toMatch(
    /is no store of the Python metalab(.|\n)*runs\/RUN_ID\.json/,
  );
  expect(existsSync(store)).toBe(false);
});
