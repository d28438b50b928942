import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { expect, it } from 'vitest';
import { pivotTable } from '../../src/cli/format/pivot-table.js';
import type { RunRecord } from '../../src/definition/record.js';
import { compactRuns } from '../../src/results/compaction/compact.js';
import { toCsv } from '../../src/results/csv.js';
import { openDatabase, quoteText } from '../../src/results/duckdb/database.js';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';
import { resultsOf } from '../support/results-of.js';
import { COMPACT, expectPeaks } from './peak-memory.js';
import { rowsOf } from './rows-of.js';

async function storeOf(records: readonly RunRecord[]): Promise<FileStore> {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  writeSegment(store, records);
  return store;
}

const METRICS = {
  plain: `${'plain text '.repeat(100_000)}.`,
  formula: `=${'1+'.repeat(500_000)}"quoted", and\nmore`,
  negative: `-${'1'.repeat(5000)}`,
  unicode: 'ä漢😀\\\t'.repeat(550_000),
  // Of more bytes than 1,000, and of fewer characters.
  small: 'ä'.repeat(800),
  number: 2,
};
/** Begins as another text does. */
const LIKE_PLAIN = `${METRICS.plain.slice(0, -1)}!`;
const PARAMS = {
  list: Array.from({ length: 20_000 }, (_, at) => at),
  object: { a: [null, 'ä,"'], text: 'plain text '.repeat(10_000), z: 1 },
};
/** As files have them. */
const IN_FILES = {
  ...METRICS,
  list: JSON.stringify(PARAMS.list),
  object: JSON.stringify(PARAMS.object),
};
const TEXTS = {
  notes: ['n'.repeat(100_000), 'a "quoted"\nnote', 'ä漢😀\\\t'.repeat(200_000)],
  warnings: ['w'.repeat(100_000)],
};
const ERROR = { type: 'TypeError', message: 'ä "text"\n'.repeat(700_000), stack: 'at '.repeat(10_000) };
const FIELDS = ['notes', 'warnings', 'error'];
const RUNS = [
  recordOf({
    index: 0,
    params: { x: 0 },
    metrics: { ...METRICS, plain: 'short', number: 1, small: LIKE_PLAIN },
  }),
  recordOf({ index: 1, params: { x: 1, ...PARAMS }, metrics: METRICS, ...TEXTS }),
  recordOf({ index: 2, params: { x: 1 }, metrics: { number: 'text', small: METRICS.plain } }),
  recordOf({ index: 3, params: { x: 1 }, metrics: {}, status: 'failed', error: ERROR }),
];

it('a record of many megabytes is read, asked for and exported as it is, compacted or not', {
  timeout: 300_000,
}, async () => {
  const store = await storeOf(RUNS);
  const seen: unknown[] = [];
  for (const phase of ['segments', 'compacted']) {
    const results = resultsOf(store, EXPERIMENT);
    const records: RunRecord[] = [];
    for await (const record of results.records()) records.push(record);
    expect(records).toEqual(RUNS);

    const names = ['x', ...Object.keys(IN_FILES), ...FIELDS];
    const { rows } = await results.select(...names).table();
    expect(rows).toEqual(
      RUNS.map(({ params, metrics, notes, warnings, error }) => {
        const values = { ...params, ...metrics, notes, warnings, error: error?.message };
        return Object.fromEntries(names.map((name) => [name, values[name as keyof typeof values]]));
      }),
    );
    const { rows: cut } = await results
      .select(...names)
      .cutTexts(1000)
      .table();
    expect(cut[1]).toEqual({
      ...rows[1],
      ...Object.fromEntries(
        Object.entries(METRICS).flatMap(([name, value]) =>
          typeof value === 'string' ? [[name, value.slice(0, 1000)]] : [],
        ),
      ),
      list: PARAMS.list.slice(0, (cut[1]!.list as number[]).length),
      object: expect.stringMatching(/^\{"a":\[null,"ä,\\""\],"text":"plain text plain/),
      notes: [TEXTS.notes[0]!.slice(0, 1000)],
      warnings: [TEXTS.warnings[0]!.slice(0, 1000)],
    });
    expect(cut[3]!.error).toBe(ERROR.message.slice(0, 1000));
    expect(JSON.stringify(cut[1]!.list).length).toBeGreaterThan(1000);
    expect(await results.where('plain', '=', METRICS.plain).count()).toBe(1);
    expect(await results.where('plain', '=', `${METRICS.plain}.`).count()).toBe(0);
    for (const length of [undefined, 1000]) {
      const whole = length === undefined ? results : results.cutTexts(length);
      const { groups } = await whole.groupBy('plain').stats('number', ['mean']);
      expect(groups.map(({ keys, n }) => [keys[0], n])).toEqual([
        [METRICS.plain.slice(0, length), 1],
        ['short', 1],
        [undefined, 1],
      ]);
      const by = async (name: string) => {
        const grouped = await whole.groupBy(name).stats([], []);
        return grouped.groups.map(({ keys, n, left_out }) => [keys[0], n + left_out]);
      };
      expect(await by('error')).toEqual([
        [ERROR.message.slice(0, length), 1],
        [undefined, 3],
      ]);
      const first = (texts: readonly string[]) =>
        length === undefined ? texts : [texts[0]!.slice(0, length)];
      expect(await by('notes')).toEqual(
        expect.arrayContaining([
          [[], 3],
          [first(TEXTS.notes), 1],
        ]),
      );
      expect(await by('object')).toEqual([
        [PARAMS.object, 1],
        [undefined, 3],
      ]);
      const pivot = await whole.pivot('plain', 'list', 'number');
      expect(pivot.columns).toEqual([PARAMS.list, undefined]);
      expect(pivot.rows.map(({ keys, cells }) => [keys[0], ...cells.map((cell) => cell?.value)])).toEqual([
        [METRICS.plain.slice(0, length), 2, undefined],
        ['short', undefined, 1],
        [undefined, undefined, null],
      ]);
      const { groups: bySmall } = await whole.groupBy('small').stats('number', ['n']);
      expect(bySmall).toHaveLength(4);
      expect(bySmall.map(({ keys, n }) => [keys[0], n])).toEqual(
        expect.arrayContaining([
          [METRICS.plain.slice(0, length), 1],
          [LIKE_PLAIN.slice(0, length), 1],
          [METRICS.small, 1],
          [undefined, 0],
        ]),
      );
    }

    const files = Object.fromEntries(
      ['csv', 'ndjson', 'parquet', 'arrow'].map((format) => [format, join(store.root, `${phase}.${format}`)]),
    );
    for (const file of Object.values(files)) await results.select(...names).export(file);
    const objects = readFileSync(files.ndjson!, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(objects).toEqual(rows.map((row) => JSON.parse(JSON.stringify(row))));
    const inArrow = tableFromIPC(readFileSync(files.arrow!)).toArray();
    const arrow = inArrow[1]!.toJSON();
    expect(arrow).toMatchObject({ ...IN_FILES, number: 2n });
    expect(inArrow.map((row) => [...row.notes])).toEqual(RUNS.map(({ notes }) => notes));
    expect(inArrow.map((row) => row.error)).toEqual(RUNS.map(({ error }) => error?.message ?? null));
    const database = await openDatabase();
    const ofDuckdb = await database.all(`SELECT * FROM read_parquet(${quoteText(files.parquet!)})`);
    expect(ofDuckdb[1]).toMatchObject(IN_FILES);
    expect(ofDuckdb[3]).toMatchObject({ error: ERROR.message });
    const lists = await database.all(
      `SELECT to_json(notes) AS notes, to_json(warnings) AS warnings FROM read_parquet(${quoteText(files.parquet!)})`,
    );
    expect(lists.map(({ notes }) => JSON.parse(String(notes)))).toEqual(RUNS.map(({ notes }) => notes));
    expect(lists.map(({ warnings }) => JSON.parse(String(warnings)))).toEqual(
      RUNS.map(({ warnings }) => warnings),
    );
    const csv = await database.all(
      `SELECT * FROM read_csv(${quoteText(files.csv!)}, all_varchar = true, max_line_size = 16000000)`,
    );
    expect(csv[1]).toEqual({
      ...IN_FILES,
      x: '1',
      number: '2',
      formula: `'${METRICS.formula}`,
      notes: JSON.stringify(TEXTS.notes),
      warnings: JSON.stringify(TEXTS.warnings),
      error: null,
    });
    if (phase === 'compacted') {
      const file = join(store.experimentFolder(EXPERIMENT), 'runs', 'runs.parquet');
      const [row] = await database.all(
        `SELECT * REPLACE (to_json(notes) AS notes, to_json(warnings) AS warnings)
        FROM read_parquet(${quoteText(file)}) WHERE index = 1`,
      );
      for (const [name, value] of Object.entries(IN_FILES))
        expect(row![`${name in PARAMS ? 'params' : 'metrics'}.${name}`]).toBe(value);
      for (const [name, texts] of Object.entries(TEXTS))
        expect(JSON.parse(String(row![name]))).toEqual(texts);
    }
    database.close();
    const asked = await rowsOf(
      results.query('SELECT "index", notes, warnings, error FROM runs ORDER BY "index"'),
    );
    expect(asked).toEqual(
      RUNS.map(({ index, notes, warnings, error }) => [index, notes, warnings, error?.message ?? null]),
    );
    seen.push(await results.columns());
    await results.close();
    if (phase === 'segments')
      await compactRuns(
        store.experimentFolder(EXPERIMENT),
        join(store.experimentFolder(EXPERIMENT), 'runs', '.x'),
      );
  }
  expect(seen[0]).toEqual(seen[1]);
});

it('groups and pivots by values of many megabytes have the whole values, in the order of sorted rows', {
  timeout: 300_000,
}, async () => {
  const start = 'x'.repeat((1 << 20) + 1000);
  const list = Array.from({ length: 300_000 }, (_, at) => at);
  const [text, other, same] = [`${start}a`, `${start}b`, JSON.stringify(list)];
  // In one long line and in short ones.
  const keys = [text, text, other, 'short', same, list, undefined];
  const store = await storeOf(
    keys.map((key, index) =>
      recordOf({
        index,
        params: { t: Array.isArray(key) ? 1 : 0, ...(key === undefined ? {} : { k: key }) },
        metrics: { m: index, ...(index === 0 ? { fill: 'f'.repeat(9_000_000) } : {}) },
        notes: index === 0 ? ['n'.repeat(9_000_000)] : ['a', 'b'],
      }),
    ),
  );
  const results = resultsOf(store, EXPERIMENT);
  const { groups } = await results.groupBy('k').stats('m', ['min']);
  const firsts = groups.map(({ summaries }) => summaries[0]!.min);
  expect(groups.map((group) => group.keys[0])).toEqual(firsts.map((index) => keys[index!]));
  expect(groups.map(({ n }) => n)).toEqual(firsts.map((index) => (index === 0 ? 2 : 1)));
  const { groups: cut } = await results.cutTexts(10).groupBy('k').stats('m', ['min']);
  expect(cut.map(({ summaries }) => summaries[0]!.min)).toEqual(firsts);
  const { rows } = await results.sort('k').select('index').table();
  expect(rows.map(({ index }) => index).filter((index) => index !== 1)).toEqual(firsts);
  const { groups: twice } = await results.groupBy('k', 'params.k').stats('m', ['n']);
  expect(twice.map((group) => group.keys[1])).toEqual(groups.map((group) => group.keys[0]));

  const pivot = await results.storedPivot('t', 'k', 'm', 'n');
  expect(pivot.rows.map(({ cells }) => cells.map((cell) => cell?.value))).toEqual([
    firsts.map((index) => (index === 5 ? undefined : index === 0 ? 2 : 1)),
    firsts.map((index) => (index === 5 ? 1 : undefined)),
  ]);
  const texts = await results.where('t', '=', 0).storedPivot('t', 'k', 'm', 'n');
  expect(pivotTable(texts).columns).toContain('short');
  const byNotes = pivotTable(await results.storedPivot('t', 'notes', 'm', 'n'));
  let csv = '';
  for await (const piece of toCsv(byNotes.columns, [byNotes.rows])) csv += piece;
  expect(csv.split('\n')[0]).toBe(`t,"[""a"",""b""]","[""${'n'.repeat(9_000_000)}""]"`);

  const types = 'SELECT typeof(seed_base), typeof("index"), typeof(t), typeof(notes) FROM runs LIMIT 1';
  expect(await rowsOf(results.query(types))).toEqual([['DOUBLE', 'BIGINT', 'DOUBLE', 'VARCHAR[]']]);
  const plain = resultsOf(await storeOf([recordOf({ params: { t: 1 } })]), EXPERIMENT);
  expect(await rowsOf(plain.query(types))).toEqual([['DOUBLE', 'BIGINT', 'DOUBLE', 'VARCHAR[]']]);
  await results.close();
  await plain.close();
});

/**
 * What a process may take for a record of 50 MB: 100 MB, which it takes for small ones, and four times the record. 15 more
 * are for what the garbage collector has not freed yet. It takes 200 to 295.
 */
const MAX_MB = 315;

it.each([
  [
    'one text of 50 MB',
    MAX_MB,
    { metrics: { m0: 'abcdefghi\n'.repeat(4_750_000) } },
    [['list', 'csv', 'parquet'], ['longKeys', 'sorted'], ['pivot'], ['counted']],
    [['group', 'ndjson'], ['longKeys', 'sorted'], ['pivot'], ['counted']],
  ],
  [
    // 25 MB. It takes 218.
    'a list of 2,750,000 numbers',
    265,
    {
      params: { p: Array.from({ length: 2_750_000 }, (_, at) => ((at * 2_654_435_761) % 1_000_003) / 1e6) },
      metrics: { m0: 'text '.repeat(1000) },
    },
    [['list', 'csv', 'group']],
    [['ndjson', 'parquet']],
  ],
  [
    '50 MB of notes',
    MAX_MB,
    { metrics: { m0: 'text '.repeat(1000) }, notes: ['n'.repeat(15_000_000), 'note '.repeat(7_000_000)] },
    [['list', 'csv', 'group', 'ndjson', 'parquet', 'json'], ['notes', 'byNotes'], ['counted']],
    [['list', 'json', 'notes'], ['counted']],
  ],
  [
    'an error message of 50 MB',
    MAX_MB,
    {
      metrics: { m0: 'text '.repeat(1000) },
      error: { type: 'Error', message: 'line\n'.repeat(10_000_000), stack: 'line\n'.repeat(20_000) },
    },
    [['list', 'csv', 'group', 'ndjson', 'parquet', 'json'], ['whole']],
    [['list', 'failed', 'json']],
  ],
  [
    '2,500 texts of 20 KB',
    MAX_MB,
    {
      metrics: Object.fromEntries(
        Array.from({ length: 2500 }, (_, at) => [`m${at}`, 'abcdefghij'.repeat(2000)]),
      ),
    },
    [['group', 'ndjson']],
    [['list', 'csv', 'arrow']],
  ],
] as const)(
  'a record with %s is shown, grouped, exported and compacted in less than %i MB',
  {
    timeout: 900_000,
  },
  async (_, limit, { params, metrics, ...others }: Partial<RunRecord>, before, afterwards) => {
    const small = recordOf({ index: 0, params: { x: 0 }, metrics: { m0: 'small' } });
    const store = await storeOf([
      small,
      recordOf({ index: 1, params: { x: 1, ...params }, metrics: metrics!, ...others }),
    ]);
    const { length } = metrics!.m0 as string;
    const file = (format: string) => `store.root + '/long.${format}'`;
    const written = (format: string) => `await results.export(${file(format)}, { force: true });`;
    const questions = {
      list: `const { rows } = await results.cutTexts(1000).table();
        if (rows.length !== 2 || rows[1].m0.length !== 1000) throw new Error('' + rows.length);`,
      group: `const { groups } = await results.groupBy('x').stats();
        if (groups.length !== 2 || groups[1].n !== 1) throw new Error(JSON.stringify(groups).slice(0, 500));`,
      longKeys: `const { groups } = await results.cutTexts(1000).groupBy('m0').stats('x');
        if (groups.length !== 2 || groups[0].keys[0].length !== 1000) throw new Error('' + groups.length);`,
      pivot: `const { pivotAsJson } = await import(built + '../cli/format/pivot-table.js');
        const { jsonPieces } = await import(built + 'export/json-pieces.js');
        let size = 0;
        for (const piece of jsonPieces(pivotAsJson(await results.storedPivot('m0', 'x', 'x')))) size += piece.length;
        if (size < ${length}) throw new Error('' + size);`,
      counted: `const [row] = (await (await results.query('SELECT x, count(*) FROM runs GROUP BY x ORDER BY x'))
          .batches().next()).value;
        if (row[1] !== 1) throw new Error(JSON.stringify(row));`,
      notes: `const { rows } = await results.select('x', 'notes').cutTexts(1000).table();
        if (rows.every(({ notes }) => notes[0]?.length !== 1000)) throw new Error(JSON.stringify(rows));`,
      byNotes: `const { groups } = await results.groupBy('notes').storedStats('x');
        let size = 0;
        for (const { keys } of groups) if (keys[0].json) for (const piece of keys[0].json()) size += piece.length;
        if (size < 50_000_000) throw new Error('' + size);`,
      sorted: `const { rows } = await results.sort('m0').cutTexts(1000).table();
        if (rows[0].m0.length !== 1000) throw new Error('it is not sorted');`,
      csv: `${written('csv')}
        if ((await import('node:fs')).statSync(${file('csv')}).size < ${length}) throw new Error('it is too small');`,
      json: `const { jsonPieces } = await import(built + 'export/json-pieces.js');
        let size = 0;
        for await (const record of results.storedRecords()) for (const piece of jsonPieces(record)) size += piece.length;
        if (size < ${length}) throw new Error('' + size);`,
      whole: `const { jsonPieces } = await import(built + 'export/json-pieces.js');
        const list = Array.from({ length: 2_000_000 }, (_, at) => at / 7);
        let size = 0;
        for (const piece of jsonPieces({ list })) size += piece.length;
        if (size < 25_000_000) throw new Error('' + size);`,
      failed: `const { rows } = await results.select('x', 'error').cutTexts(1000).table();
        if (rows[1].error.length !== 1000) throw new Error('' + rows[1].error.length);`,
      ndjson: written('ndjson'),
      parquet: written('parquet'),
      arrow: written('arrow'),
    };
    const asked = (names: readonly (keyof typeof questions)[]) =>
      Object.fromEntries(names.map((name) => [name, questions[name]]));
    await expectPeaks([...before.map(asked), { COMPACT }, ...afterwards.map(asked)], store.root, limit);
  },
);
