import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { body, type Sweep, type SweepOptions, useSweeps } from './sweep.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});

/** Case 1 of three goes wrong by `text`; the others are as they should be. */
const middle = (text: string, options: { async?: boolean } = {}) =>
  body(
    `fs.appendFileSync('executed', params.x + '\\n'); if (params.x === 1) { ${text} } capture.metric('x', params.x);`,
    options,
  );

async function expectOneFailure(options: SweepOptions) {
  const report = await start({ cases: 3, ...options }).run();
  expect(report).toMatchObject({ next: 3, success: 2, failed: 1, cancelled: 0 });
  const records = sweep.records();
  expect(records.map(({ index, status }) => [index, status])).toEqual([
    [0, 'success'],
    [1, 'failed'],
    [2, 'success'],
  ]);
  return records[1]!.error!;
}

describe('a run that goes wrong is a failed record, and the sweep goes on', () => {
  test('when it throws', async () => {
    const error = await expectOneFailure({ code: middle("throw new RangeError('too far');") });
    expect(error).toMatchObject({ type: 'RangeError', message: 'too far' });
    expect(error.stack).toContain('operation.mjs');
    expect(error.stack).not.toMatch(/runner\.mjs|node:internal/);
  });

  test('when it throws what is no error', async () => {
    expect(await expectOneFailure({ code: middle("throw { why: 'so' };") })).toEqual({
      type: 'object',
      message: '{"why":"so"}',
    });
  });

  test('when it throws what can’t even be looked at', async () => {
    const code = middle(
      "throw new Proxy({}, { get() { throw new Error('no') }, ownKeys() { throw new Error('no') } });",
    );
    expect((await expectOneFailure({ code })).type).toBe('object');
  });

  test('when an async one rejects', async () => {
    const code = middle("await null; throw new TypeError('later', { cause: new Error('deep') });", {
      async: true,
    });
    const error = await expectOneFailure({ code });
    expect(error).toMatchObject({ type: 'TypeError', message: 'later' });
    expect(error.stack).toContain('Caused by: Error: deep');
  });

  test('when a promise that nobody awaits rejects, in a sync operation', async () => {
    const error = await expectOneFailure({ code: middle("Promise.reject(new Error('astray'));") });
    expect(error.message).toBe('astray (rejected in a promise that nobody awaits)');
  });

  test('when a promise that nobody awaits rejects, in an async operation', async () => {
    const code = middle(
      "void (async () => { throw new Error('astray'); })(); await new Promise((done) => setTimeout(done, 20));",
      {
        async: true,
      },
    );
    expect((await expectOneFailure({ code })).message).toContain('astray');
  });

  test('when a timer throws while it runs', async () => {
    const code = middle(
      "setTimeout(() => { throw new Error('tick'); }, 5); await new Promise((done) => setTimeout(done, 50));",
      {
        async: true,
      },
    );
    expect((await expectOneFailure({ code })).message).toContain('tick (thrown outside of the run');
  });

  test('when it never settles after an unhandled rejection', async () => {
    const code = middle("Promise.reject(new Error('astray')); await new Promise(() => {});", { async: true });
    expect((await expectOneFailure({ code })).message).toContain('astray');
  });

  test('when it calls process.exit', async () => {
    const error = await expectOneFailure({ code: middle('process.exit(3);') });
    expect(error).toMatchObject({
      type: 'ProcessExit',
      message: 'the operation ended the process with exit code 3',
    });
    expect(error.stack).toContain('operation.mjs');
  });

  test('when it calls process.reallyExit', async () => {
    expect((await expectOneFailure({ code: middle('process.reallyExit(0);') })).type).toBe('ProcessExit');
  });

  test('when it crashes natively', async () => {
    const code = middle(
      "fs.writeSync(2, 'last words\\n'); process.kill(process.pid, 'SIGSEGV'); for (;;) {}",
    );
    const error = await expectOneFailure({ code });
    expect(error.type).toBe('CrashError');
    expect(error.message).toContain('SIGSEGV');
    expect(error.message).toContain('last words');
    expect(sweep.log(1)).toEqual(['stderr: last words']);
  });

  test('when it aborts', async () => {
    const error = await expectOneFailure({ code: middle('process.abort();') });
    expect(error).toMatchObject({ type: 'CrashError' });
    expect(error.message).toContain('SIGABRT');
  });

  test('when it takes longer than its timeout and heeds its signal', async () => {
    const code = `export default metalab.operation(async ({ params, runtime }) => {
      if (params.x === 1) await new Promise((_, fail) => runtime.signal.addEventListener('abort', () => fail(runtime.signal.reason)));
    });`;
    const error = await expectOneFailure({ code, declaration: { timeout_ms: 200 } });
    expect(error).toEqual({ type: 'TimeoutError', message: 'the run took longer than its timeout of 0.2 s' });
    expect(new Set(sweep.records().map(({ provenance }) => provenance.slot)).size).toBe(1);
  });

  test('when it takes longer than its timeout and never settles', async () => {
    const error = await expectOneFailure({
      code: middle('setInterval(() => {}, 1000); await new Promise(() => {});', { async: true }),
      declaration: { timeout_ms: 200 },
    });
    expect(error.type).toBe('TimeoutError');
    expect(new Set(sweep.records().map(({ provenance }) => provenance.slot)).size).toBe(2);
  });

  test('when it blocks its thread for ever', async () => {
    const error = await expectOneFailure({ code: middle('for (;;) {}'), declaration: { timeout_ms: 300 } });
    expect(error.type).toBe('TimeoutError');
    expect(error.message).toContain('0.3 s');
  });

  test('when it blocks past its timeout and comes back', async () => {
    const code = middle('const end = Date.now() + 400; while (Date.now() < end) {}');
    const error = await expectOneFailure({ code, declaration: { timeout_ms: 200 } });
    expect(error.type).toBe('TimeoutError');
  });

  test('when it exhausts the heap', async () => {
    const code = middle('const all = []; for (;;) all.push(new Array(1000).fill(params));');
    const error = await expectOneFailure({ code, declaration: { memory_bytes: 150 * 2 ** 20 } });
    expect(error.type).toBe('MemoryError');
    expect(error.message).toContain('150 MiB');
  });

  test('when it exhausts memory outside of the heap', async () => {
    const code = middle(
      'const all = []; for (;;) { all.push(Buffer.alloc(1e6, 1)); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2); }',
    );
    const error = await expectOneFailure({ code, declaration: { memory_bytes: 250 * 2 ** 20 } });
    expect(error.type).toBe('MemoryError');
    expect(error.message).toContain('over its limit of 250 MiB');
  });

  test('when a process that it started exhausts memory', async () => {
    const eat = 'const all = []; setInterval(() => all.push(Buffer.alloc(1e7, 1)), 10);';
    const code = `import { spawnSync } from 'node:child_process';
      ${middle(`spawnSync(process.execPath, ['-e', ${JSON.stringify(eat)}]);`)}`;
    const error = await expectOneFailure({ code, declaration: { memory_bytes: 250 * 2 ** 20 } });
    expect(error.type).toBe('MemoryError');
    expect(error.message).toContain('over its limit of 250 MiB');
    expect(sweep.records()[1]!.provenance.max_rss_bytes).toBeGreaterThan(250 * 2 ** 20);
  });
});

test('processes that a killed run had started are ended with it', async () => {
  const code = `import { spawn } from 'node:child_process'; import fs from 'node:fs';
    export default metalab.operation(() => {
      const child = spawn('sleep', ['600'], { stdio: 'ignore' });
      fs.writeFileSync('pid', String(child.pid));
      for (;;) {}
    });`;
  await start({ code, declaration: { timeout_ms: 300 } }).run();
  expect(isRunning(sweep.written('pid'))).toBe(false);
});

/** A zombie that nobody has reaped yet does not run. */
function isRunning(pid: string): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', pid], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}

describe('retries', () => {
  const flaky = (how: string, options = {}) =>
    body(
      `const n = fs.existsSync('tries') ? Number(fs.readFileSync('tries', 'utf8')) : 0;
      fs.writeFileSync('tries', String(n + 1)); capture.metric('try' + n, n); capture.log('try ' + n);
      if (n < 2) { ${how} }`,
      options,
    );
  test.each([
    ['throws', "throw new Error('not yet')", {}],
    ['rejects', "await null; throw new Error('not yet')", { async: true }],
    ['exits', 'process.exit(1)', {}],
    ['crashes', "process.kill(process.pid, 'SIGKILL'); for (;;) {}", {}],
  ])('a run that %s is tried again, and the attempt that succeeds counts alone', async (_, how, options) => {
    await start({ code: flaky(how, options), declaration: { retries: 2 } }).run();
    expect(sweep.record()).toMatchObject({ status: 'success', attempt: 3, metrics: { try2: 2 } });
  });

  test('a run that fails in every attempt is recorded with the last', async () => {
    const code = body("fs.appendFileSync('tries', 'x'); throw new Error('never')");
    await start({ code, declaration: { retries: 2 } }).run();
    expect(sweep.record()).toMatchObject({ status: 'failed', attempt: 3 });
    expect(sweep.written('tries')).toBe('xxx');
    expect(sweep.log()[0]).toBe('warn: attempt 1 failed, trying again: Error: never');
  });

  test('a run that crashes in every attempt is recorded with the last', async () => {
    const code = body("fs.appendFileSync('tries', 'x'); process.abort()");
    await start({ code, declaration: { retries: 1 } }).run();
    expect(sweep.record()).toMatchObject({ status: 'failed', attempt: 2, error: { type: 'CrashError' } });
    expect(sweep.written('tries')).toBe('xx');
  });
});
