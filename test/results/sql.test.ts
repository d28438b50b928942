import { expect, it, onTestFinished } from 'vitest';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';
import { resultsOf } from '../support/results-of.js';
import { rowsOf } from './rows-of.js';

const ARTIFACT = {
  name: 'fit',
  kind: 'file',
  format: 'svg',
  uri: 'artifacts/ab',
  size_bytes: 7,
  content_hash: 'a'.repeat(64),
};

async function open() {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  const runs = [1, 2, 'high', 3].map((loss, index) =>
    recordOf({
      index,
      params: { lr: index / 10, "it's; DROP": index },
      metrics: { loss },
      tags: ['a', 'b c'],
      artifacts: index === 0 ? [ARTIFACT as never] : [],
      provenance: { slot: 'host-1-aa' },
    }),
  );
  writeSegment(store, runs);
  const point = (index: number, step: number, value: unknown, attempt = 1) => ({
    run_id: runs[index]!.run_id,
    attempt,
    generation: 0,
    name: 'curve',
    step,
    value,
  });
  writeSegment(store, [point(0, 1, 0.5), point(0, 2, { $numberDouble: 'NaN' }), point(1, 1, 9, 2)], {
    kind: 'series',
  });
  // Of the same attempt, on a slot that was given up.
  writeSegment(store, [point(0, 1, 100)], { kind: 'series', writer: 'host-2-bb' });
  const results = resultsOf(store, EXPERIMENT);
  onTestFinished(() => results.close());
  return { results, runs };
}

it('SQL sees params and metrics by name, with values of another type in a column of their own', async () => {
  const { results } = await open();
  expect(
    await rowsOf(results.sql`SELECT lr, loss, "loss (text)", "it's; DROP", tags FROM runs ORDER BY lr`),
  ).toEqual([
    [0, 1, null, 0, ['a', 'b c']],
    [0.1, 2, null, 1, ['a', 'b c']],
    [0.2, null, 'high', 2, ['a', 'b c']],
    [0.3, 3, null, 3, ['a', 'b c']],
  ]);
  const answer = await results.sql`SELECT count(*) AS n, sum(loss) AS s FROM runs WHERE status = 'success'`;
  expect(answer.columns).toEqual(['n', 's']);
  expect(await rowsOf(Promise.resolve(answer))).toEqual([[4, 6]]);
});

it('values of a template are bound, never spliced', async () => {
  const { results } = await open();
  const evil = "0' OR '1' = '1";
  expect(await rowsOf(results.sql`SELECT lr FROM runs WHERE run_id = ${evil} OR lr = ${0.1}`)).toEqual([
    [0.1],
  ]);
});

it('SQL sees the series of the attempts that won, and artifacts', async () => {
  const { results, runs } = await open();
  expect(await rowsOf(results.sql`SELECT * FROM series ORDER BY step`)).toEqual([
    [runs[0]?.run_id, 'curve', 1, 0.5],
    [runs[0]?.run_id, 'curve', 2, Number.NaN],
  ]);
  expect(await rowsOf(results.sql`SELECT * FROM artifacts`)).toEqual([
    [runs[0]?.run_id, ...Object.values(ARTIFACT)],
  ]);
});

it('SQL sees the runs that match the conditions of the query, and their series and artifacts', async () => {
  const { results, runs } = await open();
  const some = results.where('lr', '>', 0).where('loss', 'present');
  expect(await rowsOf(some.limit(1).sql`SELECT lr FROM runs ORDER BY lr`)).toEqual([[0.1], [0.2], [0.3]]);
  expect(await rowsOf(some.sql`SELECT * FROM artifacts`)).toEqual([]);
  expect(await rowsOf(some.sql`SELECT * FROM series`)).toEqual([]);
  const first = results.filter({ lr: 0 });
  expect(await rowsOf(first.sql`SELECT count(*) FROM series JOIN artifacts USING (run_id)`)).toEqual([[2]]);
  expect(await rowsOf(first.sql`SELECT run_id FROM runs WHERE lr < ${1}`)).toEqual([[runs[0]?.run_id]]);
  expect(await rowsOf(results.sql`SELECT count(*) FROM runs`)).toEqual([[4]]);
});

it('questions that are asked at the same time have their own answers', async () => {
  const runs = Array.from({ length: 5000 }, (_, index) => recordOf({ index, metrics: { loss: index } }));
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  writeSegment(store, runs);
  const points = runs.map(({ run_id }, step) => ({ run_id, attempt: 1, generation: 0, name: 'a', step }));
  writeSegment(
    store,
    points.map((point) => ({ ...point, value: 1 })),
    { kind: 'series' },
  );
  const results = resultsOf(store, EXPERIMENT);
  onTestFinished(() => results.close());
  const asked = [1, 2, 3].flatMap(() => [
    rowsOf(results.sql`SELECT count(*) FROM series`),
    rowsOf(results.sql`SELECT count(*) FROM runs`),
    results.count().then((n) => [[n]]),
  ]);
  expect(await Promise.all(asked)).toEqual(asked.map(() => [[5000]]));
  let read = 0;
  for await (const batch of results.batches()) {
    read += batch.length;
    expect(await results.count()).toBe(5000);
  }
  expect(read).toBe(5000);
});

it('a statement may take more memory than most need', async () => {
  const { results } = await open();
  const long = await rowsOf(
    results.sql`SELECT length(string_agg(repeat('x', 100) || range, ',')) FROM range(1000000)`,
  );
  expect(long).toEqual([[106_888_889]]);
});

it('decimals are numbers', async () => {
  const { results } = await open();
  const rows = await rowsOf(
    results.sql`SELECT 0.5, sum(CASE WHEN lr > 0.1 THEN 1.25 ELSE -0.5 END) FROM runs`,
  );
  expect(rows).toEqual([[0.5, 1.5]]);
});

it('a statement about an experiment with many columns names them in any case, and with quotes', async () => {
  const wide = Array.from({ length: 300 }, (_, index) => [`m${index}`, index]);
  const metrics = Object.fromEntries([...wide, ['Loss', 7], ['a"b', 8]]);
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  writeSegment(store, [recordOf({ index: 0, metrics })]);
  const results = resultsOf(store, EXPERIMENT);
  onTestFinished(() => results.close());
  const asked = [results.sql`SELECT loss, "a""b" FROM runs`, results.sql`SELECT M299 FROM runs`];
  expect(await Promise.all(asked.map(rowsOf))).toEqual([[[7, 8]], [[299]]]);
});

it('`*` of an experiment with many columns is refused, since most of them would not be there', async () => {
  const metrics = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`m${index}`, index]));
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  writeSegment(store, [recordOf({ index: 0, metrics })]);
  const results = resultsOf(store, EXPERIMENT);
  onTestFinished(() => results.close());
  for (const text of [
    'SELECT * FROM runs',
    'FROM runs',
    'SELECT max(COLUMNS(*)) FROM runs',
    'SELECT runs.*, m1 FROM runs',
  ])
    await expect(rowsOf(results.query(text))).rejects.toMatchObject({
      code: 'METALAB_SQL',
      message: expect.stringMatching(
        /\* of runs would be 319 columns[\s\S]*the names of those that you need/,
      ),
    });
  const few = results.sql`WITH few AS (SELECT run_id, m7 FROM runs) SELECT count(*), max(m7) FROM (SELECT * FROM few)`;
  expect(await rowsOf(few)).toEqual([[1, 7]]);
});

it('an unknown column is named with its position and the nearest names', async () => {
  const { results } = await open();
  await expect(rowsOf(results.query('SELECT los FROM runs'))).rejects.toMatchObject({
    code: 'METALAB_SQL',
    message: expect.stringMatching(/"los"[\s\S]*"loss"[\s\S]*LINE 1: SELECT los[\s\S]*\^/),
  });
});
