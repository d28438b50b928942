import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { until } from '../../support/until.js';
import { body, type Sweep, useSweeps } from './sweep.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const pidsOf = (name: string) => sweep.written(name).trim().split('\n').map(Number);

describe('each run starts as its slot started', () => {
  const state = `capture.metrics({ cwd: process.cwd(), mode: process.env.MODE, more: String(process.env.MORE), path: typeof process.env.PATH,
    umask: process.umask(), exits: process.listenerCount('exit'), unhandled: process.listenerCount('unhandledRejection') });`;
  const expected = { mode: 'slot', more: 'undefined', path: 'string', umask: 0o022, exits: 1, unhandled: 1 };
  const changes = `process.chdir('/'); process.umask(0o077); process.env.MODE = 'run'; Object.assign(process.env, { MORE: '1' });
    delete process.env.PATH; process.once('exit', () => {}); process.removeAllListeners('unhandledRejection');`;

  test.each([
    ['a sync run', '', false],
    ['an async run', 'await new Promise((done) => setTimeout(done, 20));', true],
    ['a run that gives itself another environment', "process.env = { MODE: 'other' };", false],
    ['a run that fails', "if (params.x % 2 === 0) throw new Error('no');", false],
  ])('after %s', async (_, text, async) => {
    const code = `process.umask(0o022); process.env.MODE = 'slot'; process.on('exit', () => {});\n${body(
      `${state} ${changes} ${text}`,
      { async },
    )}`;
    await start({ code, cases: 4 }).run();
    const cwd = realpathSync(sweep.root);
    expect(sweep.records().map(({ metrics }) => metrics)).toEqual(
      Array.from({ length: 4 }, () => ({ cwd, ...expected })),
    );
  });

  test('where it imports what changes them by name', async () => {
    const code = `import { chdir, env, umask, cwd } from 'node:process';
      export default metalab.operation(({ capture }) => {
        capture.metrics({ cwd: cwd(), mode: String(env.MODE), umask: umask() }); chdir('/'); env.MODE = 'run'; umask(0o077);
      });`;
    await start({ code, cases: 2 }).run();
    const [first, second] = sweep.records();
    expect(first!.metrics).toMatchObject({ cwd: realpathSync(sweep.root), mode: 'undefined' });
    expect(second!.metrics).toEqual(first!.metrics);
  });

  test('child processes see what the run has set', async () => {
    const code = `import { execSync } from 'node:child_process';
      export default metalab.operation(({ params, capture }) => {
        if (params.x === 0) process.env.MODE = 'run';
        capture.metric('mode', execSync('echo "$MODE"', { encoding: 'utf8' }).trim());
      });`;
    await start({ code, cases: 2 }).run();
    expect(sweep.records().map(({ metrics }) => metrics.mode)).toEqual(['run', '']);
  });
});

describe('processes that a run starts end with it', () => {
  const spawning = (
    text: string,
  ) => `import fs from 'node:fs'; import { execSync, spawn } from 'node:child_process';
    const note = (pid) => fs.appendFileSync('pids', pid + '\\n');
    export default metalab.operation(async ({ params, capture, runtime }) => { ${text} });`;

  test.each([
    ['a child', "note(spawn('sleep', ['600'], { stdio: 'ignore' }).pid);"],
    [
      'a grandchild whose parent has ended',
      "execSync('sleep 600 >/dev/null 2>&1 & echo $! >> pids'); execSync('(sleep 600 >/dev/null 2>&1 & echo $! >> pids)');",
    ],
    [
      'one in a process group of its own',
      "execSync('set -m; sleep 600 >/dev/null 2>&1 & echo $! >> pids', { shell: '/bin/bash' });",
    ],
  ])('%s', async (_, text) => {
    await start({ code: spawning(text), cases: 2 }).run();
    expect(sweep.records().map(({ status, warnings }) => [status, warnings])).toEqual([
      ['success', []],
      ['success', []],
    ]);
    await until(() => !pidsOf('pids').some(isAlive));
    expect(sweep.log(0).slice(-1)).toEqual([
      expect.stringMatching(/^warn: ended what the run left behind: sleep \(pid \d+\)/),
    ]);
  });

  test.each([
    ['runs out of time', 'timeout', 'for (;;) {}'],
    ['ends its process', 'exit', 'process.exit(3);'],
    ['crashes', 'crash', "process.kill(process.pid, 'SIGSEGV');"],
  ])('where it %s', async (_, how, text) => {
    const code = spawning(
      `execSync('set -m; sleep 600 >/dev/null 2>&1 & echo $! >> pids', { shell: '/bin/bash' }); ${text}`,
    );
    await start({ code, declaration: how === 'timeout' ? { timeout_ms: 200 } : {} }).run();
    expect(sweep.record().status).toBe('failed');
    await until(() => !pidsOf('pids').some(isAlive));
  });

  test('those that detach themselves are named in a warning, and live on', async () => {
    const code = spawning(
      `if (params.x === 0) note(spawn('sleep', ['601'], { stdio: 'ignore', detached: true }).pid);
      if (params.x === 1) execSync('setsid sh -c "echo \\\\$\\\\$ >> pids; exec sleep 602" >/dev/null 2>&1 & while [ $(wc -l < pids) -lt 2 ]; do sleep 0.01; done');
      if (params.x === 2) execSync('true');`,
    );
    await start({ code, cases: 3 }).run();
    const pids = pidsOf('pids');
    try {
      expect(sweep.records().map(({ warnings }) => warnings)).toEqual([
        [expect.stringContaining(`(pid ${pids[0]})`)],
        [expect.stringContaining(`(pid ${pids[1]})`)],
        [],
      ]);
      expect(pids.map(isAlive)).toEqual([true, true]);
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGKILL');
    }
  });

  test('but not those that the module started for all runs, nor those of others', async () => {
    const other = spawn('sleep', ['603'], { stdio: 'ignore' });
    const code = `import fs from 'node:fs'; import { execSync, spawn } from 'node:child_process';
      const server = spawn('sh', ['-c', 'while :; do sleep 0.05; done'], { stdio: 'ignore' });
      export default metalab.operation(({ capture }) => {
        execSync('true'); capture.metrics({ alive: server.exitCode === null && server.signalCode === null });
        process.kill(server.pid, 0); fs.writeFileSync('server', String(server.pid));
      });`;
    try {
      await start({ code, cases: 5 }).run();
      expect(sweep.records().map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'success'));
      expect(isAlive(Number(sweep.written('server')))).toBe(true);
      expect(other.exitCode).toBe(null);
    } finally {
      other.kill();
    }
    await sweep.executor.close();
    await until(() => !isAlive(Number(sweep.written('server'))));
  });
});

test('with isolate, each run has a process of its own', async () => {
  const code = `let runs = 0; export default metalab.operation(({ params, capture }) => {
    globalThis.left = (globalThis.left ?? 0) + 1;
    if (params.x === 2) process.kill(process.pid, 'SIGKILL');
    capture.metrics({ runs: ++runs, left: globalThis.left, pid: process.pid });
  });`;
  const report = await start({ code, cases: 5, declaration: { isolate: true } }).run();
  expect(report).toMatchObject({ next: 5, success: 4, failed: 1 });
  const done = sweep.records().filter(({ status }) => status === 'success');
  expect(done.map(({ metrics }) => [metrics.runs, metrics.left])).toEqual(done.map(() => [1, 1]));
  expect(new Set(done.map(({ metrics }) => metrics.pid)).size).toBe(4);
});

test('with isolate, a range ends with its budget, after at least one run', async () => {
  start({ code: body(''), cases: 3, declaration: { isolate: true } });
  expect((await sweep.run({ budget_ms: 0 })).next).toBe(1);
});

test('with isolate, a range ends after so many failures, whatever is left of its budget', async () => {
  const code = `export default metalab.operation(({ params }) => {
    if (params.x % 2 === 1) throw new Error('odd');
  });`;
  start({ code, cases: 12, declaration: { isolate: true } });
  expect(await sweep.run({ most_failures: 2 })).toMatchObject({ next: 4, success: 2, failed: 2 });
  expect(sweep.records()).toHaveLength(4);
});
