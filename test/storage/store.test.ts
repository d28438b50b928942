import { expect, it } from 'vitest';
import type { ExperimentDeclaration } from '../../src/definition/declaration.js';
import { readRecords } from '../../src/storage/file/formats/records.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';
import { temporaryStore } from './file/temporary-store.js';

it('keeps its id when it is opened again by its uri', async () => {
  const store = await temporaryStore();
  const again = await openFileStore(store.uri);
  expect(store.id).toMatch(/^[0-9a-f]{16}$/);
  expect([again.id, again.uri]).toEqual([store.id, store.uri]);
});

it('lists the experiments that have a manifest, sorted', async () => {
  const store = await temporaryStore();
  expect(await store.experiments()).toEqual([]);
  for (const experiment_id of ['b:1', 'a:2', 'a:1']) await store.writeManifest(manifestOf({ experiment_id }));
  expect(await store.experiments()).toEqual(['a:1', 'a:2', 'b:1']);
});

it('gives manifests back as they were written, the latest one', async () => {
  const store = await temporaryStore();
  expect(await store.readManifest(EXPERIMENT)).toBeUndefined();
  await store.writeManifest(manifestOf({ description: 'first' }));
  await store.writeManifest(manifestOf({ description: 'zweite\n"ünï"' }));
  expect(await store.readManifest(EXPERIMENT)).toEqual(manifestOf({ description: 'zweite\n"ünï"' }));
});

it('names a declaration by its content, whatever the order of its keys', async () => {
  const store = await temporaryStore();
  const { experiment_id, name, version } = manifestOf();
  const one = { experiment_id, name, version } as ExperimentDeclaration;
  const other = { version, name, experiment_id } as ExperimentDeclaration;
  const sha = await store.writeDeclaration(one);
  expect(sha).toMatch(/^[0-9a-f]{64}$/);
  expect(await store.writeDeclaration(other)).toBe(sha);
  expect(await store.readDeclaration(EXPERIMENT, sha)).toEqual(one);
  expect(await store.readDeclaration(EXPERIMENT, '0'.repeat(64))).toBeUndefined();
});

it('lists submissions oldest first, and gives their manifests and outcomes', async () => {
  const store = await temporaryStore();
  const options = { slots: null, keep_failed: false, fresh: false };
  for (const [submission, day] of [
    ['zz', 1],
    ['aa', 2],
    ['mm', 3],
  ] as const) {
    const submitted_at = `2026-01-0${day}T00:00:00.000Z`;
    await store.writeSubmission({
      submission,
      experiment_id: EXPERIMENT,
      declaration: 'd',
      submitted_at,
      options,
    });
  }
  expect(await store.submissions(EXPERIMENT)).toEqual(['zz', 'aa', 'mm']);
  expect((await store.readSubmission(EXPERIMENT, 'aa'))?.options).toEqual(options);
  expect(await store.readOutcome(EXPERIMENT, 'aa')).toBeUndefined();
  expect(await store.readPlan(EXPERIMENT, 'aa')).toBeUndefined();
  expect(await store.submissions('other:1')).toEqual([]);
});

it('gives every record, those of one run_id too', async () => {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  const records = [
    recordOf({ index: 1, status: 'failed' }),
    recordOf({ index: 1, generation: 1 }),
    recordOf({ index: 2 }),
  ];
  writeSegment(store, records);
  const read = [];
  for await (const { record } of readRecords(store.experimentFolder(EXPERIMENT))) read.push(record);
  expect(read).toEqual(expect.arrayContaining(records));
  expect(read).toHaveLength(3);
});

it('has no records of an experiment that it does not know', async () => {
  const store = await temporaryStore();
  for await (const { record } of readRecords(store.experimentFolder('other:1')))
    expect.unreachable(record.run_id);
});
