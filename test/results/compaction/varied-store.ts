import { appendFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { RunRecord } from '../../../src/definition/record.js';
import { fingerprint } from '../../../src/identity/fingerprint.js';
import { findRuns } from '../../../src/results/find-runs.js';
import { resultsOf } from '../../../src/results/open.js';
import { summarizeExperiments } from '../../../src/results/summaries.js';
import type { FileStore } from '../../../src/storage/file/file-store.js';
import { readRecords, type StoredRecord } from '../../../src/storage/file/formats/records.js';
import { compareContenders } from '../../../src/storage/final-record.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../../support/records.js';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();

/** Params and metrics of all types, with what is hard to keep. */
function recordAt(index: number, overrides: Partial<RunRecord> = {}): RunRecord {
  return recordOf({
    index,
    params: {
      x: index,
      text: `ü "${index}"\n\u0000`,
      nested: { list: [1, 2.5, null] },
      big: 1e300,
      small: 5e-324,
    },
    metrics: {
      y: index / 7,
      whole: 2 ** 53 - index,
      good: index % 2 === 0,
      odd: index % 5 === 0 ? 'text' : 1,
    },
    started_at: at(index),
    finished_at: at(index + 1),
    duration_ms: 0.001 * index,
    tags: ['a', `t${index}`],
    warnings: index % 9 === 0 ? ['slow'] : [],
    ...overrides,
  });
}

/** A store with retries, generations, zombies, ties, older code, and torn and corrupt lines. */
export async function fillStore(store: FileStore): Promise<void> {
  await store.writeManifest(manifestOf());
  const old = { code_fingerprint: fingerprint('old code') };
  const failed = { status: 'failed', metrics: {}, error: { type: 'E', message: 'no "luck"' } } as const;
  writeSegment(store, [
    ...range(0, 40).map((index) => recordAt(index, index % 4 === 0 ? failed : {})),
    'garbage{\n',
    '\0\0\0\n',
    ...range(100, 110).map((index) => recordAt(index, old)),
    JSON.stringify(recordAt(41)).slice(0, 300),
  ]);
  writeSegment(
    store,
    [
      ...range(0, 20).map((index) => recordAt(index, { generation: 1, finished_at: at(500) })),
      // Zombies: late successes of a generation that is over, and cancelled ones of the latest.
      ...range(20, 30).map((index) => recordAt(index, { finished_at: at(900), metrics: { y: -1 } })),
      ...range(0, 10).map((index) => recordAt(index, { generation: 1, status: 'cancelled' })),
      // Ties: of the same finish, what stands first counts.
      recordAt(50, { metrics: { y: 1 } }),
      recordAt(50, { metrics: { y: 2 } }),
    ],
    { writer: 'host-2-bb', submission: 's2' },
  );
}

export const moreRecords = () => range(60, 90).map((index) => recordAt(index));

/** Appends late lines to a segment, as a zombie does: some that count, and some that don't. */
export function appendLate(path: string): void {
  const lines = [
    ...range(30, 35).map((index) => recordAt(index, { generation: 2, metrics: { y: 100 } })),
    ...range(0, 5).map((index) =>
      recordAt(index, { generation: 1, finished_at: at(499), metrics: { y: 99 } }),
    ),
    recordAt(50, { metrics: { y: 3 } }),
    recordAt(91),
  ];
  appendFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** What the rule says, from every record of the store. */
export async function finalRecordsOf(store: FileStore): Promise<RunRecord[]> {
  const finals = new Map<string, StoredRecord>();
  for await (const stored of readRecords(store.experimentFolder(EXPERIMENT))) {
    const standing = finals.get(stored.record.run_id);
    if (!standing || compareContenders(contender(stored), contender(standing)) < 0)
      finals.set(stored.record.run_id, stored);
  }
  return [...finals.values()].map(({ record }) => record).sort((a, b) => a.index - b.index);
}

const contender = ({ record, segment, offset }: StoredRecord) => ({ ...record, segment, offset });

/** Asserts that every reader has exactly these final records. */
export async function expectReaders(store: FileStore, finals: readonly RunRecord[]): Promise<void> {
  const results = resultsOf(store, EXPERIMENT).all();
  try {
    const records: RunRecord[] = [];
    for await (const record of results.records()) records.push(record);
    expect(records.map((record) => JSON.stringify(record))).toEqual(
      finals.map((record) => JSON.stringify(record)),
    );
    expect((await results.select('index', 'y', 'text', 'whole', 'big', 'small').table()).rows).toEqual(
      finals.map(({ index, params, metrics }) => ({
        index,
        y: metrics.y,
        text: params.text,
        whole: metrics.whole,
        big: 1e300,
        small: 5e-324,
      })),
    );
    expect(
      (await results.columns()).filter(({ kind }) => kind !== 'field').map(({ name, type }) => [name, type]),
    ).toEqual([
      ['big', 'number'],
      ['nested', 'json'],
      ['small', 'number'],
      ['text', 'text'],
      ['x', 'number'],
      ['good', 'boolean'],
      ['odd', 'number'],
      ['whole', 'number'],
      ['y', 'number'],
    ]);

    const { groups } = await results.groupBy('good').stats('x');
    expect(groups.reduce((sum, { n, left_out }) => sum + n + left_out, 0)).toBe(finals.length);
  } finally {
    await results.close();
  }
  const current = finals.filter(
    ({ code_fingerprint }) => code_fingerprint === manifestOf().operation.code_fingerprint,
  );
  const count = (status: string) => current.filter((record) => record.status === status).length;
  expect(await summarizeExperiments(store)).toMatchObject([
    {
      runs: { success: count('success'), failed: count('failed'), cancelled: count('cancelled') },
      older: finals.length - current.length,
    },
  ]);
  for (const final of [finals[0]!, finals[25]!, finals.at(-1)!]) {
    const [found, ...others] = await findRuns(store, [final.run_id.slice(0, 20)]);
    expect(others).toEqual([]);
    expect(await found?.record()).toEqual(final);
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, step) => from + step);
