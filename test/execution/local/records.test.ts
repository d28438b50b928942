import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ArtifactDescriptor, DataEntry, SeriesPoint } from '../../../src/definition/record.js';
import { forPreprocessing, Seeds } from '../../../src/definition/seeds.js';
import { paramsFingerprint, runId, seedFingerprint, sha256 } from '../../../src/identity/fingerprint.js';
import { body, buildRunner, Sweep, type SweepOptions } from './sweep.js';

let built: Awaited<ReturnType<typeof buildRunner>>;
let sweep: Sweep;
const start = (options: SweepOptions) => {
  sweep = new Sweep(built.runner, options);
  return sweep;
};

beforeAll(async () => {
  built = await buildRunner();
});
afterEach(() => sweep.remove());
afterAll(() => built.remove());

const bytesOf = (artifact: ArtifactDescriptor) => readFileSync(join(sweep.folder, artifact.uri));

describe('a record', () => {
  test('is one line, byte for byte what JSON.stringify writes', async () => {
    const code =
      body(`capture.metrics({ b: 0.1, a: -0, '2': 1e21, '1': 'ü\\n"', ok: true, ['__proto__']: 1 });
      capture.tag('t'); capture.warn('w"'); capture.note('n\\u2028'); capture.artifact('a', 'text', { metadata: { m: 1 } });
      if (params.x === 1) throw new Error('é');`);
    const params = {
      kind: 'manual',
      cases: [{ x: 0, 'k"': 'v\\', deep: { list: [1, null, true] } }, { x: 1 }],
      tags: ['case', 't'],
    } as const;
    await start({ code, cases: 2, declaration: { params, tags: ['sweep'] } as never }).run();
    for (const line of sweep.texts('records')) expect(line).toBe(JSON.stringify(JSON.parse(line)));
    expect(Object.keys(sweep.records()[0]!).join()).toBe(
      'run_id,experiment_id,status,generation,attempt,context_fingerprint,params_fingerprint,seed_fingerprint,code_fingerprint,' +
        'index,replicate,params,metrics,started_at,finished_at,duration_ms,provenance,error,tags,warnings,notes,artifacts',
    );
    expect(sweep.records()[0]).toMatchObject({
      tags: ['sweep', 'case', 't'],
      warnings: ['w"'],
      notes: ['n\u2028'],
    });
  });

  test('has the identity that planning gives the run', async () => {
    await start({ code: body(''), cases: 2, declaration: { seeds: { base: 7, replicates: 3 } } }).run();
    const record = sweep.records()[4]!;
    const { experiment_id, context_fingerprint: context, operation } = sweep.declaration;
    const params = paramsFingerprint({ x: 1 });
    const seed = seedFingerprint({ base: 7, replicate: 1 });
    expect(record).toMatchObject({
      index: 4,
      replicate: 1,
      params: { x: 1 },
      params_fingerprint: params,
      seed_fingerprint: seed,
    });
    expect(record.run_id).toBe(
      runId({ experiment_id, context, params, seed, code: operation.code_fingerprint }),
    );
  });

  test('says when, how long and where', async () => {
    const before = Date.now();
    await start({ code: body('await new Promise((done) => setTimeout(done, 30));', { async: true }) }).run();
    const { started_at, finished_at, duration_ms, provenance } = sweep.record();
    expect(Date.parse(started_at)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(finished_at) - Date.parse(started_at)).toBeGreaterThanOrEqual(28);
    expect(duration_ms).toBeGreaterThan(28);
    expect(started_at).toBe(new Date(started_at).toISOString());
    expect(provenance).toMatchObject({ executor: 'local', node: process.versions.node });
    expect(sweep.segments('records')[0]).toContain(provenance.slot as string);
  });

  test('keeps what was captured before a failure', async () => {
    await start({ code: body("capture.metric('early', 1); throw new Error('late');") }).run();
    expect(sweep.record()).toMatchObject({ status: 'failed', metrics: { early: 1 } });
  });

  test('reports the running means of its numeric metrics', async () => {
    const { means } = await start({
      code: body("capture.metric('x', params.x); capture.metric('s', 'text');"),
      cases: 5,
    }).run();
    expect(means).toEqual({ x: { n: 5, mean: 2, m2: 10 } });
  });
});

describe('what the operation gets', () => {
  test('seeds derive as in the design, and Math.random follows the run', async () => {
    const code = body(
      "capture.metric('s', String(args.seeds.derive())); capture.metric('p', String(args.seeds.forPreprocessing().derive())); capture.metric('r', Math.random());",
    );
    await start({ code, cases: 2, declaration: { seeds: { base: 42, replicates: 2 } } }).run();
    const first = sweep.records();
    expect(first[0]!.metrics.s).toBe('2164880486899767195');
    expect(first[0]!.metrics.p).toBe(String(forPreprocessing(42).derive()));
    expect(first[1]!.metrics.s).toBe(String(new Seeds(42, 1).derive()));
    expect(new Set(first.map(({ metrics }) => metrics.r)).size).toBe(4);
    const random = first.map(({ metrics }) => metrics.r);
    await sweep.remove();
    // Another slot, another order: the same numbers.
    start({
      code,
      cases: 2,
      declaration: { seeds: { base: 42, replicates: 2 } },
      list: [
        [3, 0],
        [1, 0],
      ],
    });
    await sweep.run();
    expect(sweep.records().map(({ metrics }) => metrics.r)).toEqual([random[1], random[3]]);
  });

  test('Math.random at import follows the code', async () => {
    const code =
      "const r = Math.random(); export default metalab.operation(({ capture }) => capture.metric('r', r));";
    await start({ code }).run();
    const { r } = sweep.record().metrics;
    await sweep.remove();
    await start({ code }).run();
    expect(sweep.record().metrics.r).toBe(r);
  });

  test('params and context are deeply frozen', async () => {
    const code = body('if (params.x === 0) params.deep.push(1); else args.context.a.b = 2;');
    const params = { kind: 'manual', cases: [{ x: 0, deep: [] }, { x: 1 }] } as const;
    await start({ code, cases: 2, declaration: { params, context: { a: { b: 1 } } } as never }).run();
    expect(sweep.records().map(({ error }) => error!.type)).toEqual(['TypeError', 'TypeError']);
  });

  test('context files are paths and hashes', async () => {
    const reference = { $metalab: 'file', path: '/data/a.csv', content_hash: 'h', size_bytes: 3 };
    await start({
      code: body("capture.data('c', args.context);"),
      declaration: { context: { f: reference } } as never,
    }).run();
    expect(sweep.lines<DataEntry>('data')[0]!.value).toEqual({
      f: { path: '/data/a.csv', content_hash: 'h', size_bytes: 3 },
    });
  });

  test('runtime: ids, metadata, and a scratch folder that is gone afterwards', async () => {
    const code = `import fs from 'node:fs';
      export default metalab.operation(({ runtime, capture }) => {
      fs.writeFileSync(runtime.scratchDir + '/f', 'x'); runtime.logger.info('hello');
      capture.metrics({ dir: runtime.scratchDir, id: runtime.runId, attempt: runtime.attempt, meta: runtime.metadata.k, aborted: runtime.signal.aborted });
    });`;
    await start({ code, declaration: { metadata: { k: 'v' } } }).run();
    const record = sweep.record();
    expect(record.metrics).toMatchObject({ id: record.run_id, attempt: 1, meta: 'v', aborted: false });
    expect(existsSync(String(record.metrics.dir))).toBe(false);
    expect(sweep.log()).toEqual(['info: hello']);
  });

  test('the scratch folder of a crashed run is gone too', async () => {
    const code = `import fs from 'node:fs'; export default metalab.operation(({ runtime }) => {
      fs.writeFileSync('where', runtime.scratchDir); process.abort(); });`;
    await start({ code }).run();
    await sweep.executor.close();
    expect(existsSync(sweep.written('where'))).toBe(false);
  });

  test('the environment is the declared one alone, and the folder is the experiment’s', async () => {
    const code = body(
      'capture.metrics({ env: Object.keys(process.env).sort().join(), cwd: process.cwd(), send: typeof process.send });',
    );
    await start({ code, env: { KEY: 'v' } }).run();
    expect(sweep.record().metrics).toEqual({ env: 'KEY,PATH,ROOT', cwd: sweep.root, send: 'undefined' });
  });

  test('native packages are found where the experiment is', async () => {
    const operation = {
      native: ['natively'],
      bundle: 'b'.repeat(64),
      code_fingerprint: 'c'.repeat(32),
      ref: '',
    };
    start({
      code: "import value from 'natively'; export default metalab.operation(({ capture }) => capture.metric('v', value));",
      declaration: { operation } as never,
    });
    const folder = join(sweep.root, 'node_modules', 'natively');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"name":"natively","main":"index.js"}');
    writeFileSync(join(folder, 'index.js'), 'module.exports = 7;');
    await sweep.run();
    expect(sweep.record().metrics).toEqual({ v: 7 });
  });
});

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
    ['NaN', "metric 'm' is NaN: expected a finite number, a string or a boolean"],
    ['1 / 0', "metric 'm' is Infinity"],
    ['null', "metric 'm' is null"],
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
    expect(bytesOf(artifacts[0]!).toString()).toBe('a,b.c\n1,"x,y"\n2,\n');
    for (const artifact of artifacts) {
      expect(sha256(bytesOf(artifact))).toBe(artifact.content_hash);
      expect(bytesOf(artifact)).toHaveLength(artifact.size_bytes);
    }
    // The second run has saved the same: nothing is there twice, and no temporary file is left.
    expect(readdirSync(join(sweep.folder, 'artifacts'))).toHaveLength(7);
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
    const code = `metalab.registerSerializer({ name: 'point', extension: 'pt', accepts: (v) => v?.kind === 'point', serialize: (v) => Buffer.from(v.x + ';' + v.y) });
      export default metalab.operation(({ capture }) => capture.artifact('p', { kind: 'point', x: 1, y: 2 }));`;
    await start({ code }).run();
    const [artifact] = sweep.record().artifacts;
    expect(artifact!.format).toBe('point');
    expect(bytesOf(artifact!).toString()).toBe('1;2');
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

test('an idle slot does not keep its parent alive after close, and leaves nothing in the temporary folder', async () => {
  await start({ code: body(''), env: { TMPDIR: '' } }).run();
  await sweep.executor.close();
  const left = execFileSync('sh', [
    '-c',
    `ls ${process.env.TMPDIR ?? '/tmp'} | grep '^metalab-slot-${process.pid}-' || true`,
  ]);
  expect(left.toString()).toBe('');
});
