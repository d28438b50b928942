import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ArtifactDescriptor, SeriesPoint } from '../../../src/definition/record.js';
import { sha256 } from '../../../src/identity/fingerprint.js';
import { MAX_PACKED_BYTES, parsePack } from '../../../src/storage/file/formats/pack.js';
import { listPacks } from '../../../src/storage/file/formats/packs.js';
import { bytesOf as readArtifact } from '../../support/artifacts.js';
import { body, type Sweep, useSweeps } from './sweep.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});

const bytesOf = (artifact: ArtifactDescriptor) => readArtifact(sweep.folder, artifact);

describe('capture', () => {
  test('stepped metrics are a series whose last point is the metric', async () => {
    await start({
      code: body("for (let step = 0; step < 3; step++) capture.metric('loss', 1 / (step + 1), { step });"),
    }).run();
    expect(sweep.lines<SeriesPoint>('series').map(({ name, step, value }) => [name, step, value])).toEqual([
      ['loss', 0, 1],
      ['loss', 1, 0.5],
      ['loss', 2, 1 / 3],
    ]);
    expect(sweep.record().metrics.loss).toBe(1 / 3);
  });

  test.each([
    ['null', "metric 'm' is null: expected a number, a string or a boolean"],
    ['10n', "metric 'm' is the bigint 10n"],
    ['[1]', "metric 'm' is a value of type Array"],
  ])('a metric that is %s fails the run', async (value, message) => {
    await start({ code: body(`capture.metric('m', ${value});`) }).run();
    expect(sweep.record().error).toMatchObject({
      type: 'TypeError',
      message: expect.stringContaining(message),
    });
    expect(sweep.record().error!.stack!.split('\n')[1]).toContain('operation.mjs');
  });

  test('a metric that is not finite is kept, and the run is a success', async () => {
    await start({
      code: body(`capture.metrics({ a: NaN, b: 1 / 0, c: -1 / 0 }); capture.metric('d', NaN, { step: 1 });`),
    }).run();
    expect(sweep.record()).toMatchObject({
      status: 'success',
      metrics: Object.fromEntries(
        Object.entries({ a: 'NaN', b: 'Infinity', c: '-Infinity', d: 'NaN' }).map(([name, text]) => [
          name,
          { $numberDouble: text },
        ]),
      ),
    });
    expect(sweep.lines<SeriesPoint>('series').map(({ value }) => value)).toEqual([{ $numberDouble: 'NaN' }]);
  });

  test('artifacts, files and figures are stored by their content, once', async () => {
    const code = body(`fs.writeFileSync('out.txt', 'from a file');
      capture.artifact('rows', [{ a: 1, 'b.c': 'x,y' }, { a: 2, 'b.c': null }]);
      capture.artifact('nested', [{ a: [1] }]); capture.artifact('text', 'hello'); capture.artifact('bytes', Buffer.from([1, 2]));
      capture.file('out.txt'); capture.figure('plot', '<svg xmlns="http://www.w3.org/2000/svg"/>'); capture.figure('spec', { mark: 'bar' });`);
    await start({ code, cases: 2 }).run();
    const { artifacts } = sweep.records()[0]!;
    expect(artifacts.map(({ name, kind, format }) => [name, kind, format])).toEqual([
      ['rows', 'artifact', 'csv'],
      ['nested', 'artifact', 'json'],
      ['text', 'artifact', 'text'],
      ['bytes', 'artifact', 'bytes'],
      ['out.txt', 'file', 'bytes'],
      ['plot', 'figure', 'svg'],
      ['spec', 'figure', 'vega-lite'],
    ]);
    expect((await bytesOf(artifacts[0]!)).toString()).toBe('a,b.c\n1,"x,y"\n2,\n');
    for (const artifact of artifacts) {
      expect(sha256(await bytesOf(artifact))).toBe(artifact.content_hash);
      expect(await bytesOf(artifact)).toHaveLength(artifact.size_bytes);
    }
    // The second run has saved the same: nothing is there twice.
    expect(sweep.records()[1]!.artifacts.map(({ uri }) => uri)).toEqual(artifacts.map(({ uri }) => uri));
    const packs = await listPacks(sweep.folder);
    expect(packs).toHaveLength(1);
    expect(parsePack(readFileSync(join(sweep.folder, packs[0]!)))).toHaveLength(7);
    expect(existsSync(join(sweep.folder, 'artifacts'))).toBe(false);
  });

  test('large artifacts and files are files of their own, and no temporary file is left', async () => {
    const code = body(`fs.writeFileSync('large', Buffer.alloc(${MAX_PACKED_BYTES + 1}, 'x'));
      capture.artifact('largest that is packed', Buffer.alloc(${MAX_PACKED_BYTES}, 'y'));
      capture.artifact('bytes', Buffer.alloc(${MAX_PACKED_BYTES + 1}, 'z')); capture.file('large'); capture.file('large', { name: 'again' });`);
    await start({ code, cases: 2 }).run();
    const { artifacts } = sweep.records()[0]!;
    expect(artifacts.map(({ uri }) => uri.split('/')[0])).toEqual([
      'packs',
      'artifacts',
      'artifacts',
      'artifacts',
    ]);
    for (const artifact of artifacts) expect(sha256(await bytesOf(artifact))).toBe(artifact.content_hash);
    expect(readdirSync(join(sweep.folder, 'artifacts')).sort()).toEqual(
      [...new Set(artifacts.slice(1).map(({ content_hash }) => content_hash))].sort(),
    );
  });

  test.each([
    [
      "capture.artifact('a', 1); capture.artifact('a', 2);",
      "artifact 'a': this run has already saved something under that name",
    ],
    ["capture.artifact('', 1);", 'capture.artifact: the name is empty'],
    ["capture.metric('', 1);", 'capture.metric: the name is empty'],
    [
      "capture.artifact('a', 1, { format: 'xml' });",
      "there is no format 'xml'; there are text, bytes, npy, csv, json",
    ],
    ["capture.artifact('a', { x: NaN });", 'value.x is NaN'],
    ["capture.data('d', { x: [1, undefined] });", "data 'd'.x[1] is undefined"],
    ["capture.data('d', new Float64Array(2));", "data 'd' is a Float64Array"],
    ["capture.figure('f', 'no picture');", "figure 'f': the text is not an SVG"],
    ["capture.figure('f', new Uint8Array(8));", "figure 'f': the bytes are not a PNG"],
    ["capture.file('nowhere.txt');", 'ENOENT'],
    ["capture.metric('m', 'text', { step: 1 });", 'strings and booleans have no steps'],
  ])('%s fails the run with a message that says why', async (text, message) => {
    await start({ code: body(text) }).run();
    expect(sweep.record().error!.message).toContain(message);
  });

  test('an operation’s own serializer is asked first', async () => {
    const code = `metalab.registerSerializer({ name: 'point', accepts: (v) => v?.kind === 'point', serialize: (v) => Buffer.from(v.x + ';' + v.y) });
      export default metalab.operation(({ capture }) => capture.artifact('p', { kind: 'point', x: 1, y: 2 }));`;
    await start({ code }).run();
    const [artifact] = sweep.record().artifacts;
    expect(artifact!.format).toBe('point');
    expect((await bytesOf(artifact!)).toString()).toBe('1;2');
  });

  test('what a forgotten promise captures after its run belongs to no run', async () => {
    const code = body(
      "if (params.x === 0) setTimeout(() => { try { capture.metric('late', 1); } catch (e) { fs.writeFileSync('late', e.message); } }, 20); else await new Promise((done) => setTimeout(done, 60));",
      { async: true },
    );
    await start({ code, cases: 2 }).run();
    expect(sweep.records().map(({ metrics }) => metrics)).toEqual([{}, {}]);
    expect(sweep.written('late')).toContain('after the run of');
  });
});

describe('what a run prints is in its log', () => {
  test('console and process streams, line by line', async () => {
    const code = body(
      "console.log('a', { b: 1 }); console.error('bad'); process.stdout.write('no '); process.stdout.write('newline'); process.stderr.write(Buffer.from('ü\\n')); capture.log('said'); capture.error('e');",
    );
    await start({ code, cases: 2 }).run();
    const expected = [
      'stdout: a { b: 1 }',
      'stderr: bad',
      'stderr: ü',
      'info: said',
      'error: e',
      'stdout: no newline',
    ];
    expect(sweep.log(0)).toEqual(expected);
    expect(sweep.log(1)).toEqual(expected);
  });

  test('child processes and native code', async () => {
    const code = `import { execFileSync } from 'node:child_process';
      export default metalab.operation(({ params }) => { execFileSync('sh', ['-c', 'echo out ' + params.x + '; echo err >&2'], { stdio: 'inherit' }); });`;
    await start({ code, cases: 2 }).run();
    expect(sweep.log(0)).toEqual(['stdout: out 0', 'stderr: err']);
    expect(sweep.log(1)).toEqual(['stdout: out 1', 'stderr: err']);
  });

  test('its last words before a crash too', async () => {
    await start({ code: body("console.log('first'); console.log('last'); process.abort();") }).run();
    expect(sweep.log().slice(0, 2)).toEqual(['stdout: first', 'stdout: last']);
  });
});

test('half of a surrogate pair, wherever text comes from, is U+FFFD in all that is stored', async () => {
  const code = `const half = 'good 🎉'.slice(0, 6);
    export default metalab.operation(({ capture }) => {
      capture.note(half); capture.tag(half); capture.metric(half, half); capture.metric('loss' + half, 1, { step: 1 });
      capture.data(half, { [half]: [half] }); capture.log(half); capture.warn(half);
      capture.artifact(half, { [half]: half }, { metadata: { [half]: half } });
      console.log(half); process.stdout.write(half);
      const error = new Error(half, { cause: new Error(half) }); error.name = half; throw error;
    });`;
  await start({ code }).run();
  const good = 'good \ufffd';
  const record = sweep.record();
  expect(record).toMatchObject({
    notes: [good],
    tags: [good],
    warnings: [good],
    metrics: { [good]: good, [`loss${good}`]: 1 },
    error: { type: good, message: good },
    artifacts: [{ name: good, metadata: { [good]: good } }],
  });
  expect(sweep.lines('data')).toMatchObject([{ name: good, value: { [good]: [good] } }]);
  expect(JSON.parse((await bytesOf(record.artifacts[0]!)).toString())).toEqual({ [good]: good });
  expect(sweep.log()).toEqual([`info: ${good}`, `warn: ${good}`, `stdout: ${good}`, `stdout: ${good}`]);
  for (const kind of ['records', 'series', 'data', 'logs'] as const)
    expect(sweep.texts(kind).join('')).not.toMatch(/\\ud[89a-f]/i);
});
