import { appendFileSync, readFileSync, truncateSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../src/definition/record.js';
import { makeRunIdentifier } from '../../src/identity/fingerprint.js';
import { compactRuns } from '../../src/results/compaction/compact.js';
import { newScratchFolder } from '../../src/results/compaction/scratch-folders.js';
import { resultsOf } from '../../src/results/open.js';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { scanFinalHeads } from '../../src/storage/file/formats/records.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { metalab } from '../support/metalab.js';
import { CODE, CONTEXT, EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';

/** Which runs results have, which planning counts as done, and how many lines results leave out. */
async function seen(store: FileStore) {
  const results = resultsOf(store, EXPERIMENT).all();
  const finals = await scanFinalHeads(store.experimentFolder(EXPERIMENT));
  try {
    const { rows } = await results.select('index').table();
    return {
      inResults: rows.map(({ index }) => index),
      planned: [...finals.values()].map(({ index }) => index),
      damaged: await results.damaged(),
    };
  } finally {
    await results.close();
  }
}

it('lines that results can not use are counted and reported, also when compacted, and planning does not count them as done', async () => {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  const inside = JSON.stringify(recordOf({ index: 1 })).replace('"metrics":{', '"metrics":{{');
  const segment = [recordOf({ index: 0 }), `${inside}\n`, '\n\n\n', 'garbage\n', recordOf({ index: 2 })];
  writeSegment(store, segment);
  const expected = { inResults: [0, 2], planned: [0, 2], damaged: 2 };
  expect(await seen(store)).toEqual(expected);
  const folder = store.experimentFolder(EXPERIMENT);
  expect(await compactRuns(folder, newScratchFolder(folder))).toBe(2);
  expect(await seen(store)).toEqual(expected);
  const { stdout, stderr } = await metalab(['results', 'pi_mc', '--json', '--store', store.root]);
  expect(JSON.parse(stdout)).toHaveLength(2);
  const warning = /2 lines of the segments are damaged and left out; metalab store check/;
  expect(stderr).toMatch(warning);
  const listed = await metalab(['list', '--json', '--store', store.root]);
  expect([JSON.parse(listed.stdout)[0].damaged, listed.stderr]).toEqual([2, expect.stringMatching(warning)]);
  expect((await metalab(['store', 'compact', '--store', store.root])).stderr).toMatch(warning);
  await metalab(['store', 'check', '--repair', '--store', store.root]);
  expect((await seen(store)).damaged).toBe(0);
});

it('a record whose notes and warnings are no lists is read and compacted, beside one of many megabytes, too', async () => {
  const others = { notes: 'a text', warnings: 'W', tags: 5, error: 'E' } as unknown as Partial<RunRecord>;
  for (const metric of ['small', 'long '.repeat(2_000_000)]) {
    const store = await temporaryStore();
    await store.writeManifest(manifestOf());
    const odd = { ...recordOf({ index: 0, metrics: { text: metric } as never }), ...others };
    writeSegment(store, [odd, recordOf({ index: 1 })]);
    expect((await seen(store)).inResults).toEqual([0, 1]);
    const results = resultsOf(store, EXPERIMENT).all();
    for await (const record of results.records())
      expect(record).toMatchObject(record.index === 0 ? others : {});
    await results.close();
    const folder = store.experimentFolder(EXPERIMENT);
    expect(await compactRuns(folder, newScratchFolder(folder))).toBe(2);
    expect((await seen(store)).inResults).toEqual([0, 1]);
  }
});

it('a last line torn just before its newline is no record for any reader', async () => {
  const store = await temporaryStore();
  writeSegment(store, [recordOf({ index: 0 }), JSON.stringify(recordOf({ index: 1 }))]);
  expect(await seen(store)).toEqual({ inResults: [0], planned: [0], damaged: 0 });
});

it('NUL bytes at the end, more than the longest line that DuckDB would take, are no line', async () => {
  const store = await temporaryStore();
  const path = writeSegment(store, [recordOf({ index: 0 })]);
  truncateSync(path, 70 * 1024 * 1024);
  expect(await seen(store)).toEqual({ inResults: [0], planned: [0], damaged: 0 });
  appendFileSync(path, '\n');
  expect((await seen(store)).planned).toEqual([0]);
});

describe('records with half of a surrogate pair, as older versions wrote them', () => {
  const half = { notes: ['good \ud83c', '\\ud83c is text'], metrics: { 'a\udf89': '\ud83c\ud83c\udf89' } };
  const whole = { notes: ['good \ufffd', '\\ud83c is text'], metrics: { 'a\ufffd': '\ufffd🎉' } };
  const identify = makeRunIdentifier({ experiment_id: EXPERIMENT, context: CONTEXT, code: CODE });
  const records = [recordOf({ index: 0, ...half }), recordOf({ index: 1 })].map((record) => ({
    ...record,
    run_id: identify(record.params_fingerprint, record.seed_fingerprint),
  }));

  async function recordsOf(store: FileStore) {
    const results = resultsOf(store, EXPERIMENT).all();
    try {
      const found: RunRecord[] = [];
      for await (const record of results.records()) found.push(record);
      return found;
    } finally {
      await results.close();
    }
  }

  it('are read as well-formed text, beside damaged lines, and compacted', async () => {
    const store = await temporaryStore();
    await store.writeManifest(manifestOf());
    writeSegment(store, ['garbage\n', ...records]);
    writeSegment(store, [recordOf({ index: 2 })], { writer: 'other' });
    expect(await seen(store)).toEqual({ inResults: [0, 1, 2], planned: [0, 1, 2], damaged: 1 });
    const expected = [{ ...records[0]!, ...whole }, records[1], recordOf({ index: 2 })];
    expect(await recordsOf(store)).toEqual(expected);
    const folder = store.experimentFolder(EXPERIMENT);
    expect(await compactRuns(folder, newScratchFolder(folder))).toBe(3);
    expect(await recordsOf(store)).toEqual(expected);
  });

  it('are found by store check, and repaired in place', async () => {
    const store = await temporaryStore();
    await store.writeManifest(manifestOf());
    const path = writeSegment(store, records);
    const check = (...args: string[]) =>
      metalab(['store', 'check', '--json', '--store', store.root, ...args]);
    const kinds = async (...args: string[]) =>
      (JSON.parse((await check(...args)).stdout) as { findings: { kind: string }[] }).findings.map(
        ({ kind }) => kind,
      );
    expect(await kinds('--quick')).toContain('text-malformed');
    await check('--repair', '--quick');
    expect(await kinds('--quick')).not.toContain('text-malformed');
    const mended = readFileSync(path, 'utf8');
    expect(mended).toHaveLength(records.map((record) => `${JSON.stringify(record)}\n`).join('').length);
    expect(
      mended
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
    ).toEqual([{ ...records[0]!, ...whole }, records[1]]);
  });
});
