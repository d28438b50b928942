import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { ArtifactDescriptor } from '../../src/definition/record.js';
import { registerSerializer, serializerFor } from '../../src/operation/serializers/registry.js';
import { resultsOf } from '../../src/results/open.js';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { artifactsFolder } from '../../src/storage/file/layout.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';

/** Writes a value's bytes to the store, as a slot does. */
function saved(store: FileStore, name: string, value: unknown, format?: string): ArtifactDescriptor {
  const serializer = serializerFor(value, format, name);
  const bytes = serializer.serialize(value);
  const content_hash = createHash('sha256').update(bytes).digest('hex');
  const folder = artifactsFolder(store.experimentFolder(EXPERIMENT));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, content_hash), bytes);
  const shared = { kind: 'artifact', metadata: {}, size_bytes: bytes.length };
  return {
    ...shared,
    artifact_id: name,
    name,
    format: serializer.name,
    uri: `artifacts/${content_hash}`,
    content_hash,
  };
}

async function runOf(store: FileStore) {
  const results = resultsOf(store, EXPERIMENT);
  onTestFinished(() => results.close());
  for await (const run of results.runs()) return run;
  throw new Error('no run');
}

it('a run gives its series, data and logs, of the attempt that counts', async () => {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  const record = recordOf({ attempt: 2, metrics: { loss: 0.5 } });
  writeSegment(store, [record]);
  const key = { run_id: record.run_id, generation: 0 };
  writeSegment(
    store,
    [
      { ...key, attempt: 1, name: 'loss', step: 0, value: 99 },
      { ...key, attempt: 2, name: 'loss', step: 0, value: 1 },
      { ...key, attempt: 2, name: 'loss', step: 10, value: { $numberDouble: 'NaN' } },
    ],
    { kind: 'series' },
  );
  writeSegment(store, [{ ...key, attempt: 2, name: 'table', value: [{ a: 1 }] }], { kind: 'data' });
  const line = { ...key, attempt: 2, at: '2026-01-01T00:00:00.000Z', level: 'info', message: 'hello' };
  writeSegment(store, [line], { kind: 'logs' });
  const run = await runOf(store);
  expect(run).toMatchObject({
    id: record.run_id,
    experiment: EXPERIMENT,
    metrics: { loss: 0.5 },
    error: null,
  });
  expect(await run.series('loss')).toEqual({ steps: [0, 10], values: [1, Number.NaN] });
  expect(await run.data('table')).toEqual([{ a: 1 }]);
  const messages = [];
  for await (const { message } of run.logs()) messages.push(message);
  expect(messages).toEqual(['hello']);
  await expect(run.series('los')).rejects.toMatchObject({ expected: 'one of: loss' });
  await expect(run.data('loss')).rejects.toMatchObject({ expected: 'one of: table' });
});

it('an artifact is read by its format, by a registered serializer too', async () => {
  class Point {
    constructor(
      readonly x: number,
      readonly y: number,
    ) {}
  }
  registerSerializer({
    name: 'point',
    accepts: (value) => value instanceof Point,
    serialize: (value) => Buffer.from(`${(value as Point).x} ${(value as Point).y}`),
    deserialize: (bytes) => {
      const [x, y] = Buffer.from(bytes).toString().split(' ').map(Number);
      return new Point(x!, y!);
    },
  });
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  const values = {
    text: 'hëllo',
    object: { a: [1, null] },
    rows: [
      { a: 1, b: 'x,y' },
      { a: 2, b: '' },
    ],
    weights: { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] },
    wholes: BigInt64Array.of(-1n, 2n ** 40n),
    raw: Buffer.from([0, 255]),
    point: new Point(3, 4),
  };
  const artifacts = Object.entries(values).map(([name, value]) => saved(store, name, value));
  const gone = { ...artifacts[0]!, name: 'gone', uri: `artifacts/${'0'.repeat(64)}` };
  writeSegment(store, [recordOf({ artifacts: [...artifacts, gone] })]);
  const run = await runOf(store);
  expect(await run.artifact('text')).toBe('hëllo');
  expect(await run.artifact('object')).toEqual(values.object);
  expect(await run.artifact('rows')).toEqual([
    ['a', 'b'],
    ['1', 'x,y'],
    ['2', ''],
  ]);
  expect(await run.artifact('weights')).toEqual(values.weights);
  expect(await run.artifact('wholes')).toEqual({ data: values.wholes, shape: [2] });
  expect(await run.artifact('raw')).toEqual(values.raw);
  expect(await run.artifact('point')).toEqual(new Point(3, 4));
  await expect(run.artifact('gone')).rejects.toMatchObject({ code: 'METALAB_ARTIFACT_MISSING' });
  await expect(run.artifact('wights')).rejects.toMatchObject({
    expected: expect.stringMatching(/^one of: weights/),
  });
});
