import { describe, expect, test } from 'vitest';
import { body, type Sweep, useSweeps } from './sweep.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});

/** Even cases leave something behind and end at once; odd ones wait while it comes up. */
const leaving = (text: string) =>
  body(
    `fs.appendFileSync('executed', params.x + '\\n');
    if (params.x % 2 === 0) { ${text}; return; }
    await new Promise((done) => setTimeout(done, 100)); capture.metric('r', Math.random());`,
    { async: true },
  );

describe('what a run left behind does not fail the run after it', () => {
  test.each([
    ['a timer throws', "setTimeout(() => { throw new Error('left over'); }, 30)"],
    ['a timer rejects', "setTimeout(() => Promise.reject(new Error('left over')), 30)"],
    [
      'an async function throws',
      "(async () => { await new Promise((done) => setTimeout(done, 30)); throw new Error('left over'); })()",
    ],
    ['a microtask throws', "setTimeout(() => queueMicrotask(() => { throw new Error('left over'); }), 30)"],
    [
      'a callback of the system throws',
      "fs.stat('.', () => setTimeout(() => { throw new Error('left over'); }, 30))",
    ],
    [
      'an event nobody listens to is emitted',
      "setTimeout(() => process.stdin.emit('error', new Error('left over')), 30)",
    ],
  ])('when %s', async (_, text) => {
    const report = await start({ code: leaving(text), cases: 4 }).run();
    expect(sweep.records().map(({ status, error }) => [status, error])).toEqual(
      Array.from({ length: 4 }, () => ['success', null]),
    );
    expect(report).toMatchObject({ next: 4, success: 4, failed: 0 });
    // It stands in the log of the run that it belongs to, and in no other.
    for (const index of [0, 2]) {
      expect(sweep.log(index)).toEqual([
        expect.stringMatching(/^error: after the run had ended: left over \(/),
      ]);
      expect(sweep.log(index + 1)).toEqual([]);
    }
  });

  test('when a sync run queued a microtask that throws', async () => {
    const code =
      body(`if (params.x === 0) { queueMicrotask(() => { throw new Error('left over'); }); return; }
      return new Promise((done) => setTimeout(done, 50));`);
    await start({ code, cases: 2 }).run();
    expect(sweep.records()[1]).toMatchObject({ status: 'success' });
    expect(sweep.log(0)).toEqual([expect.stringContaining('left over')]);
  });

  test('when an earlier attempt left it', async () => {
    const code = body(
      `if (args.runtime.attempt === 1) { setTimeout(() => { throw new Error('left over'); }, 30); throw new Error('first'); }
      await new Promise((done) => setTimeout(done, 100));`,
      { async: true },
    );
    await start({ code, declaration: { retries: 1 } }).run();
    expect(sweep.record()).toMatchObject({ status: 'success', attempt: 2 });
  });

  test('when it ends the process: the run in progress is executed again', async () => {
    await start({
      // Once the next run has begun.
      code: leaving(
        "if (params.x === 0) setInterval(() => fs.readFileSync('executed', 'utf8').includes('1') && process.exit(3), 5)",
      ),
      cases: 3,
    }).run();
    expect(sweep.records().map(({ status, attempt }) => [status, attempt])).toEqual([
      ['success', 1],
      ['success', 1],
      ['success', 1],
    ]);
    expect(sweep.written('executed')).toBe('0\n1\n1\n2\n');
    expect(sweep.log(0)).toEqual(['error: after the run had ended: it ended the process with exit code 3']);
  });
});

test('what a run left behind prints to its own log, and takes no random numbers of the run after it', async () => {
  await start({
    code: leaving("setTimeout(() => { console.log('late'); Math.random(); }, 30)"),
    cases: 2,
  }).run();
  const { r } = sweep.records()[1]!.metrics;
  expect(sweep.log(0)).toEqual(['stdout: late']);
  expect(sweep.log(1)).toEqual([]);
  await sweep.remove();
  await start({ code: leaving(''), cases: 2 }).run();
  expect(sweep.records()[1]!.metrics.r).toBe(r);
});
