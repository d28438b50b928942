import { describe, expect, test } from 'vitest';
import { body, type Sweep, useSweeps } from './sweep.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});

describe('a promise that nothing can settle', () => {
  test('fails its run, and the runs after it go on in the same slot', async () => {
    const code = body('if (params.x === 0) return new Promise(() => {}); capture.metric("y", 1);');
    await start({ code, cases: 3 }).run();
    const records = sweep.records();
    expect(records.map(({ status }) => status)).toEqual(['failed', 'success', 'success']);
    expect(records[0]!.error).toMatchObject({
      type: 'NeverSettlesError',
      message: expect.stringContaining('nothing can settle'),
    });
    expect(new Set(records.map(({ provenance }) => provenance.slot)).size).toBe(1);
  });

  test('is noticed before the timeout', async () => {
    await start({
      code: body('return new Promise(() => {});'),
      declaration: { timeout_ms: 3_600_000 },
    }).run();
    expect(sweep.record().error!.type).toBe('NeverSettlesError');
  });

  test.each([
    ['a timer', 'await new Promise((done) => setTimeout(done, 300));'],
    ['a child process', "await new Promise((done) => spawn('sleep', ['0.3']).once('exit', done));"],
    [
      'a worker',
      "await new Promise((done) => new Worker('setTimeout(() => {}, 300)', { eval: true }).once('exit', done));",
    ],
    [
      'a thread of the pool',
      "await new Promise((done, fail) => pbkdf2('p', 's', 300000, 64, 'sha512', (error) => error ? fail(error) : done()));",
    ],
  ])('is not what waits for %s', async (_, text) => {
    const code = `import { spawn } from 'node:child_process'; import { Worker } from 'node:worker_threads'; import { pbkdf2 } from 'node:crypto';
      export default metalab.operation(async () => { ${text} });`;
    await start({ code, cases: 2 }).run();
    expect(sweep.records().map(({ error }) => error)).toEqual([null, null]);
  });

  test('is not what waits for its signal', async () => {
    const code = body(
      "return new Promise((_, fail) => args.runtime.signal.addEventListener('abort', () => fail(args.runtime.signal.reason)));",
    );
    await start({ code, declaration: { timeout_ms: 500 } }).run();
    expect(sweep.record().error!.type).toBe('TimeoutError');
  });
});

describe('what an operation returns', () => {
  const warning = (what: string) =>
    `metalab: the operation returned ${what} and captured nothing; what it returns is not stored: call capture.metrics({ … }) with it, or capture.data, or capture.artifact`;

  test.each([
    ['({ loss: 0.25, acc: 1 })', [warning('an object with loss, acc')]],
    ['Promise.resolve([1, 2])', [warning('an array of 2')]],
    ["(capture.note('n'), capture.warn('own'), { loss: 1 })", ['own', warning('an object with loss')]],
    ["(capture.metric('y', 1), { loss: 1 })", []],
    ["(capture.data('d', 1), { loss: 1 })", []],
    ["(capture.artifact('a', 'text'), { loss: 1 })", []],
    ['0.25', []],
    ['undefined', []],
  ])('%s', async (text, warnings) => {
    await start({ code: body(`return ${text};`) }).run();
    expect(sweep.record()).toMatchObject({ status: 'success', warnings });
    expect(sweep.log()).toEqual(warnings.map((line) => `warn: ${line}`));
  });
});
