import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DataEntry } from '../../../src/definition/record.js';
import { forPreprocessing, Seeds } from '../../../src/definition/seeds.js';
import { body, type Sweep, useSweeps } from './sweep.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
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
        [1, 0],
        [3, 0],
      ],
    });
    await sweep.run({ from: 1, to: 2 });
    await sweep.run({ from: 0, to: 1 });
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
    expect(sweep.record().metrics).toEqual({
      env: 'KEY,METALAB_SLOT,PATH,ROOT',
      cwd: sweep.root,
      send: 'undefined',
    });
  });

  test('native packages are found where the experiment is', async () => {
    const operation = {
      kind: 'typescript',
      native: ['natively'],
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
