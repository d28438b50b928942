import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { JsonValue } from '../../src/definition/json.js';
import { encodeNumber } from '../../src/definition/non-finite.js';
import type { MetricValue } from '../../src/definition/record.js';
import { fingerprint } from '../../src/identity/fingerprint.js';
import { compactRuns } from '../../src/results/compaction/compact.js';
import type { Condition } from '../../src/results/query/conditions.js';
import type { Results } from '../../src/results/results.js';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { derivedLine } from '../../src/storage/file/formats/derived.js';
import { derivedFolder, segmentName } from '../../src/storage/file/layout.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';
import { readsFileStores, resultsOf } from '../support/results-of.js';
import {
  columnOf,
  expectedGroups,
  expectedRows,
  type PlainColumn,
  type PlainRecord,
  type PlainSort,
} from './plain-results.js';

const SWEEPS = 30;
const SEED = Number(process.env.METALAB_TEST_SEED ?? 20260101);
const NAMES = ['n', 'N', 'for', 'a,b', 'mean', 'status', 'quote"d', 'new\nline', 'x', 'p0', 'run_id']
  .concat(['a.b', 'params.x', "it's", ' space ', '-x', '1', 'x (text)', 'é', '__proto__', 'constructor'])
  .concat(['x mean', 'index', 'm_0_mean', '$numberDouble', '%']);
const STATISTICS = ['n', 'mean', 'std', 'sem', 'ci95', 'median', 'min', 'max'] as const;
/** Those that are exact, so that their order is known. */
const EXACT = ['n', 'min', 'max'] as const;

/** Mulberry32: the same numbers from the same seed. */
function randomOf(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(next() * n);
  const pick = <T>(values: readonly T[]): T => values[below(values.length)]!;
  const some = <T>(values: readonly T[], most: number): T[] =>
    [...values].sort(() => next() - 0.5).slice(0, below(most + 1));
  return { next, below, pick, some };
}
type Random = ReturnType<typeof randomOf>;

const KINDS: { readonly [kind: string]: readonly JsonValue[] } = {
  number: [0, 1, 2, 3, -1.5, 0.1, 123.25, 7, 2 ** 53],
  text: ['', 'a', 'b', 'null', '1', 'NaN', "it's", 'true'],
  boolean: [true, false],
  list: [[], [1, 2], ['a'], [null]],
};
const NONFINITE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

type Source = PlainColumn['source'];
const SOURCES: readonly Source[] = ['params', 'metrics', 'derived'];

function randomValue(random: Random, main: string, source: Source): JsonValue | undefined {
  const chance = random.next();
  if (chance < 0.05) return undefined;
  if (chance < 0.1 && source !== 'derived') return null;
  if (chance < 0.15 && source !== 'params') return random.pick(NONFINITE);
  const kinds = source === 'params' ? Object.keys(KINDS) : ['number', 'text', 'boolean'];
  return random.pick(KINDS[chance < 0.3 ? random.pick(kinds) : main]!);
}

/** @param sources whose values the runs have */
function randomSweep(random: Random, sources: readonly Source[]): PlainRecord[] {
  const columns = sources.flatMap((source) => {
    const names = [...NAMES].sort(() => random.next() - 0.5).slice(0, 1 + random.below(4));
    const kinds = source === 'params' ? Object.keys(KINDS) : ['number', 'number', 'boolean', 'text'];
    return names.map((key) => ({ source, key, main: random.pick(kinds) }));
  });
  return Array.from({ length: 10 + random.below(40) }, (_, index) => {
    const status = random.pick(['success', 'success', 'success', 'failed', 'cancelled'] as const);
    const values: Record<Source, Record<string, JsonValue>> = { params: {}, metrics: {}, derived: {} };
    for (const { source, key, main } of columns) {
      if (source === 'derived' && status !== 'success') continue;
      const value = randomValue(random, main, source);
      // A plain assignment would set the prototype.
      if (value !== undefined)
        Object.defineProperty(values[source], key, { value, enumerable: true, configurable: true });
    }
    const record = recordOf({ index, status, params: values.params, metrics: values.metrics as never });
    return { ...record, provenance: { slot: SLOT }, derived: values.derived };
  });
}

function randomCondition(random: Random, columns: readonly PlainColumn[]): Condition {
  const column = random.pick(columns);
  const op = random.pick(['=', '!=', '<', '<=', '>', '>=', 'missing', 'present', 'in'] as const);
  if (op === 'missing' || op === 'present') return { column: column.name, op };
  const values = [...column.cells.filter((cell) => cell !== undefined), 1, 'a', true];
  if (op === 'in') return { column: column.name, op, values: random.some(values, 3) };
  const ordered = values.filter((value) => typeof value !== 'object' && !Number.isNaN(value));
  return { column: column.name, op, value: random.pick(op === '=' || op === '!=' ? values : ordered) };
}

async function checkRows(
  random: Random,
  results: Results,
  records: readonly PlainRecord[],
  columns: readonly PlainColumn[],
) {
  const where = Array.from({ length: random.below(3) }, () => randomCondition(random, columns));
  const sort: PlainSort[] = random
    .some(columns, 2)
    .map((column) => ({ column, descending: random.next() < 0.5 }));
  const [limit, offset] = [random.below(30), random.below(4)];
  const query = results
    .matching(where)
    .sort(...sort.map(({ column, descending }) => ({ column: column.name, descending })));
  const found = await query
    .limit(limit)
    .offset(offset)
    .select('index', ...columns.map(({ name }) => name))
    .table();
  const expected = expectedRows(records, columns, where, sort);
  expect(await query.count()).toBe(expected.length);
  expect(found.rows).toEqual(expected.slice(offset, offset + limit));
}

async function checkGroups(
  random: Random,
  results: Results,
  records: readonly PlainRecord[],
  columns: readonly PlainColumn[],
) {
  const where = Array.from({ length: random.below(2) }, () => randomCondition(random, columns));
  const by = random.some(columns, 2);
  const numeric = columns.filter(
    ({ type, name }) => ['number', 'boolean'].includes(type) && name !== 'index',
  );
  const metrics = random.some(numeric, 3);
  // Where a param or metric is named n, that is what is sorted by.
  const count = columns.some(({ key }) => key === 'n') ? undefined : 'n';
  const sorted = random.pick([undefined, count, by[0], metrics[0]] as const);
  const descending = random.next() < 0.5;
  const limit = 1 + random.below(30);
  const sort = sorted === undefined ? undefined : { by: sorted, statistic: random.pick(EXACT), descending };
  let query = results.matching(where).limit(limit);
  if (sort) {
    const isKey = typeof sort.by !== 'string' && by.includes(sort.by);
    const name = typeof sort.by === 'string' ? sort.by : sort.by.name;
    query = query.sort({ column: isKey || name === 'n' ? name : `${name} ${sort.statistic}`, descending });
  }
  const found = await query.groupBy(...by.map(({ name }) => name)).stats(
    metrics.map(({ name }) => name),
    STATISTICS,
  );
  const expected = expectedGroups(records, { where, by, metrics, sort, columns });
  expect(found.total).toBe(expected.length);
  expect(found.groups).toEqual(
    expected.slice(0, limit).map((group) => ({
      ...group,
      summaries: group.summaries.map((summary) =>
        Object.fromEntries(Object.entries(summary).map(([name, value]) => [name, nearly(value)])),
      ),
    })),
  );
}

/** Groups sorted by any statistic: those whose value is the same but for rounding may be in any order. */
async function checkSortedGroups(
  random: Random,
  results: Results,
  records: readonly PlainRecord[],
  columns: readonly PlainColumn[],
) {
  const by = [random.pick(columns)];
  const numeric = columns.filter(({ type }) => type === 'number' || type === 'boolean');
  if (numeric.length === 0) return;
  const metric = random.pick(numeric);
  const statistic = random.pick(STATISTICS);
  const descending = random.next() < 0.5;
  const expected = expectedGroups(records, { where: [], by, metrics: [metric], sort: undefined, columns });
  const values = new Map(expected.map(({ keys, summaries }) => [keyText(keys), summaries[0]![statistic]]));
  const { groups } = await results
    .sort({ column: `${metric.name} ${statistic}`, descending })
    .groupBy(by[0]!.name)
    .stats(metric.name, [statistic]);
  const isKey = by[0] === metric;
  const found = groups.map(({ keys }) => values.get(keyText(keys)));
  expect(found).toHaveLength(expected.length);
  if (isKey) return;
  const order = found.map((value) => value ?? Number.POSITIVE_INFINITY * (descending ? -1 : 1));
  for (const [at, value] of order.slice(1).entries()) {
    const [low, high] = descending ? [value, order[at]!] : [order[at]!, value];
    if (low !== high) expect(low - high).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(high)));
  }
}

const keyText = (keys: readonly (JsonValue | undefined)[]) =>
  keys.map((key) => (typeof key === 'number' ? `n${key}` : String(JSON.stringify(key)))).join();

/** The best runs of each group. */
async function checkBest(
  random: Random,
  results: Results,
  records: readonly PlainRecord[],
  columns: readonly PlainColumn[],
) {
  const numeric = columns.filter(({ type, source }) => type === 'number' && source !== 'params');
  if (numeric.length === 0) return;
  const [metric, by] = [random.pick(numeric), random.pick(columns)];
  const descending = random.next() < 0.5;
  const limit = 1 + random.below(3);
  const finite = records.filter(
    ({ status, [metric.source]: values }) =>
      status === 'success' && Object.hasOwn(values, metric.key) && Number.isFinite(values[metric.key]),
  );
  const sort = [
    { column: by, descending: false },
    { column: metric, descending },
  ];
  const counts = new Map<string, number>();
  const expected = expectedRows(finite, columns, [], sort).filter((row) => {
    const key = keyText([row[by.name]]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return counts.get(key)! <= limit;
  });
  const best = await results
    .limit(limit)
    .groupBy(by.name)
    .best(metric.name, descending ? 'max' : 'min');
  expect((await best.select('index', ...columns.map(({ name }) => name)).table()).rows).toEqual(expected);
}

/** Sums may be rounded otherwise. */
const nearly = (value: number | null) =>
  value === null
    ? value
    : {
        asymmetricMatch: (other: unknown) =>
          typeof other === 'number' &&
          (Object.is(other, value) || Math.abs(other - value) <= 1e-9 * Math.max(1, Math.abs(value))),
        toString: () => String(value),
      };

const SLOT = 'host-1-aa';
const DERIVED = {
  first: { ref: 'a.ts#first', code_fingerprint: fingerprint('first') },
  second: { ref: 'a.ts#second', code_fingerprint: fingerprint('second') },
};
const OLD = fingerprint('old code');

/** Each name is of one derivation: a name of both would be neither's. */
const derivationOf = (name: string) => (Buffer.from(name).length % 2 === 0 ? 'first' : 'second');

/** Lines of two derivations, of their slot and computed afterwards, beside lines that don't count. */
function writeDerived(random: Random, store: FileStore, records: readonly PlainRecord[]): void {
  const ofSlot: string[] = [];
  const afterwards: string[] = [];
  for (const record of records) {
    for (const derivation of ['first', 'second'] as const) {
      const ofIt = (values: Readonly<Record<string, unknown>>) => ({
        derivation,
        values: Object.fromEntries(
          Object.entries(values).filter(([name]) => derivationOf(name) === derivation),
        ) as Record<string, MetricValue>,
      });
      const lines = random.next() < 0.5 ? ofSlot : afterwards;
      const wrong = ofIt({ x: 99, n: 'wrong', 'x (text)': 99 });
      lines.push(derivedLine(record, OLD, wrong));
      lines.push(derivedLine({ ...record, attempt: 2 }, DERIVED[derivation].code_fingerprint, wrong));
      lines.push(derivedLine(record, DERIVED[derivation].code_fingerprint, ofIt(record.derived)));
    }
  }
  const derivation = derivationOf('x');
  const wrong = { derivation, values: { x: 'of another slot' } };
  const other = records.map((record) => derivedLine(record, DERIVED[derivation].code_fingerprint, wrong));
  writeSegment(store, [`${other.join('\n')}\n`], { writer: 'host-2-bb', kind: 'derived' });
  writeSegment(store, [`${ofSlot.join('\n')}\n`], { writer: SLOT, kind: 'derived' });
  appendDerived(store, 'host-3-cc', afterwards);
}

/** The same once more, of some runs: what several have computed at once. */
function writeDerivedAfterwards(store: FileStore, records: readonly PlainRecord[]): void {
  const lines = records.map((record) => {
    const derivation = 'third';
    return derivedLine(record, OLD, {
      derivation,
      values: record.derived as { [name: string]: MetricValue },
    });
  });
  appendDerived(store, 'host-4-dd', lines);
}

function appendDerived(store: FileStore, writer: string, lines: readonly string[]): void {
  const folder = derivedFolder(store.experimentFolder(EXPERIMENT));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, segmentName('derived', writer)), `${lines.join('\n')}\n`);
}

it('random queries have the answers of a plain computation over the records', {
  timeout: 120_000,
}, async () => {
  // Queries are compiled in the same way for every store: others only give the lines.
  const queries = readsFileStores() ? 10 : 2;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const random = randomOf(SEED + sweep);
    const records = randomSweep(random, sweep % 3 === 0 ? ['params', 'metrics'] : SOURCES);
    const store = await temporaryStore();
    await store.writeManifest(manifestOf({ derived: DERIVED }));
    const lines = records.map(({ derived: _, ...record }) =>
      JSON.stringify(record, (_, value) => encodeNumber(value as JsonValue)),
    );
    writeSegment(store, [`${lines.join('\n')}\n`], { writer: SLOT });
    const folder = store.experimentFolder(EXPERIMENT);
    const writesSome = sweep % 3 !== 0 && sweep % 4 === 3;
    if (sweep % 3 !== 0) writeDerived(random, store, records);
    if (sweep % 2 === 1) await compactRuns(folder, `${folder}/runs/.scratch`);
    if (writesSome) writeDerivedAfterwards(store, records.slice(0, 5));
    const columns = SOURCES.flatMap((source) => {
      const keys = new Set(records.flatMap((record) => Object.keys(record[source])));
      return [...keys].map((key) => columnOf(records, source, key));
    });
    const results = resultsOf(store, EXPERIMENT);
    for (let query = 0; query < queries; query++) {
      const check = [checkRows, checkGroups, checkSortedGroups, checkBest][(sweep + query) % 4]!;
      await check(random, results, records, columns).catch((error: Error) => {
        error.message = `METALAB_TEST_SEED=${SEED} (sweep ${sweep}, query ${query}): ${error.message}`;
        throw error;
      });
    }
    await results.close();
  }
});
