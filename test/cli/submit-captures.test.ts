import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ArtifactDescriptor, RunRecord } from '../../src/definition/record.js';
import { lastingFolder } from '../storage/file/temporary-store.js';
import { experimentText } from '../support/experiment-text.js';
import { metalab, ROOT, resultsJson, submitJson } from '../support/metalab.js';

/** Everything that an operation can capture, in one run; 400 runs, so that their table is longer than a pipe holds. */
const BODY = `for (let step = 0; step < 4; step++) capture.metric('loss', 1 / (step + 1), { step });
  capture.metrics({ y: 2 * params.x, name: 'run ' + params.x, good: true });
  if (params.x > 0) return;
  capture.data('tree', { leaves: [1, { deep: null }] });
  capture.artifact('table', [{ a: 1, b: 'x,y' }, { a: 2, b: '"' }], { format: 'csv' });
  capture.artifact('weights', new Float32Array([1, 2, 3]), { metadata: { layer: 1 } });
  capture.artifact('config', { a: [1] });
  capture.artifact('text', 'plain words');
  capture.artifact('raw', new Uint8Array([0, 255]));
  const { writeFileSync } = await import('node:fs');
  writeFileSync(runtime.scratchDir + '/model.bin', 'model');
  capture.file(runtime.scratchDir + '/model.bin', { name: 'model' });
  capture.figure('plot', '<svg xmlns="http://www.w3.org/2000/svg"/>');
  capture.figure('chart', { mark: 'bar', data: { values: [] } });
  capture.tag('baseline'); capture.note('the first'); capture.warn('careful'); capture.log('a line');
  runtime.progress(0.5);`;

describe('what a run captured', () => {
  let folder: string;
  let store: string;
  let record: RunRecord;
  const read = (...args: string[]) => metalab([...args, '--store', store]);

  beforeAll(async () => {
    folder = lastingFolder();
    store = join(folder, 'experiments');
    const properties = 'params: grid({ x: Array.from({ length: 400 }, (_, i) => i) })';
    writeFileSync(join(folder, 'experiment.ts'), experimentText({ body: BODY, properties }));
    expect((await submitJson(['experiment.ts'], { cwd: folder })).outcome).toMatchObject({ success: 400 });
    [record] = (await resultsJson('e', store, ['--where', 'x=0'])) as unknown as [RunRecord];
  });

  test('is in its record', () => {
    expect(record).toMatchObject({
      status: 'success',
      metrics: { loss: 0.25, y: 0, name: 'run 0', good: true },
      tags: ['baseline'],
      notes: ['the first'],
      warnings: ['careful'],
    });
    const kinds = record.artifacts.map(({ name, kind, format }) => [name, kind, format]);
    expect(kinds).toEqual([
      ['table', 'artifact', 'csv'],
      ['weights', 'artifact', 'npy'],
      ['config', 'artifact', 'json'],
      ['text', 'artifact', 'text'],
      ['raw', 'artifact', 'bytes'],
      ['model', 'file', 'bytes'],
      ['plot', 'figure', 'svg'],
      ['chart', 'figure', 'vega-lite'],
    ]);
  });

  test('is shown in full, by a prefix of its run_id', async () => {
    const { stdout, code } = await read('show', record.run_id.slice(0, 8));
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${record.run_id} {2}success {2}e:1`));
    expect(stdout).toMatch(/loss +4 points, steps 0 to 3: 1 → 0\.25/);
    for (const part of ['baseline', 'the first', 'careful', 'weights', 'tree', 'generation 0'])
      expect(stdout).toContain(part);
    const json = JSON.parse((await read('show', record.run_id, '--json')).stdout);
    expect(json).toMatchObject({ run_id: record.run_id, data: ['tree'], params: { x: 0 } });
  });

  test('has its log, by time and level', async () => {
    const { stdout } = await read('logs', record.run_id);
    expect(stdout).toMatch(/^20\S+Z warn +careful\n20\S+Z info +a line\n$/);
  });

  test('is got back as it was saved, artifact by artifact', async () => {
    const get = async (name: string) => (await read('artifacts', record.run_id, '--get', name)).stdout;
    expect(await get('table')).toBe('a,b\n1,"x,y"\n2,""""\n');
    expect(JSON.parse(await get('config'))).toEqual({ a: [1] });
    expect(await get('text')).toBe('plain words');
    expect(await get('model')).toBe('model');
    expect(await get('plot')).toContain('<svg');
    const output = join(folder, 'weights.npy');
    await read('artifacts', record.run_id, '--get', 'weights', '--output', output);
    const bytes = await readFile(output);
    expect(bytes.subarray(1, 6).toString('latin1')).toBe('NUMPY');
    expect(new Float32Array(new Uint8Array(bytes.subarray(-12)).buffer)).toEqual(new Float32Array([1, 2, 3]));
    const listed = JSON.parse(
      (await read('artifacts', record.run_id, '--json')).stdout,
    ) as ArtifactDescriptor[];
    const weights = listed.find(({ name }) => name === 'weights')!;
    expect(weights).toMatchObject({ size_bytes: bytes.length, metadata: { layer: 1 } });
    expect(weights.content_hash).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  test('is counted by list', async () => {
    const { stdout } = await read('list', '--json');
    expect(JSON.parse(stdout)).toMatchObject([
      { experiment_id: 'e:1', cells: 400, runs: { success: 400, failed: 0 } },
    ]);
  });

  test('can be cut off in a pipe without an error message', async () => {
    const command = `"${process.execPath}" "${ROOT}bin/metalab.js" results e --json --store "$STORE" | head -n 1`;
    const shell = spawn('bash', ['-o', 'pipefail', '-c', command], { env: { ...process.env, STORE: store } });
    let [stdout, stderr] = ['', ''];
    shell.stdout.on('data', (piece) => {
      stdout += piece;
    });
    shell.stderr.on('data', (piece) => {
      stderr += piece;
    });
    const [code] = await once(shell, 'close');
    expect([stdout, stderr, code]).toEqual(['[\n', '', 0]);
  });
});
