import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';
import { body, type Sweep, useSweeps } from './sweep.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});

/** Runs a parent of its own: executes the sweep, then does as `after` says, and is expected to end by itself. */
async function runParent(after: string): Promise<string> {
  const file = join(sweep.root, 'executor.mjs');
  const bundle = await rolldown({ input: 'src/execution/local/executor.ts', platform: 'node' });
  await bundle.write({ file, format: 'esm' });
  await bundle.close();
  const range = {
    setup: { folder: sweep.folder, submission: 's1', declaration: sweep.declared },
    order: { from: 0, to: 1, budget_ms: 60_000 },
    timeout_ms: null,
    memory_bytes: null,
    cwd: sweep.root,
    env: { PATH: process.env.PATH ?? '' },
  };
  const program = `
    import { createLocalExecutor } from ${JSON.stringify(file)};
    const executor = createLocalExecutor({ runner: ${JSON.stringify(sweep.runner)}, idle_ms: 60_000 });
    const report = await executor.execute(${JSON.stringify(range)}, { onProgress() {}, signal: { onStop: () => () => {} } });
    console.log(process.pid, report.next);
    ${after}`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 10_000,
  });
}

test.each([
  ['closed', 'await executor.close();'],
  ['released', "await executor.release('s1');"],
  ['left idle', ''],
])('a slot that is %s does not keep its parent alive, and leaves nothing behind', async (_, after) => {
  start({ code: body("capture.metric('pid', process.pid);") });
  const [pid, next] = (await runParent(after)).trim().split(' ');
  expect(next).toBe('1');
  for (const folder of [tmpdir(), '/dev/shm']) {
    expect(readdirSync(folder).filter((name) => name.includes(`-${pid}-`))).toEqual([]);
  }
  await expect.poll(() => isUp(Number(sweep.record().metrics.pid)), { timeout: 2_000 }).toBe(false);
});

test('a slot is warm for its submission’s next chunk, and not for one that comes after its release', async () => {
  start({ code: body("capture.metric('pid', process.pid);"), cases: 3 });
  await sweep.run({ from: 0, to: 1 });
  await sweep.run({ from: 1, to: 2 });
  await sweep.executor.release('s1');
  await sweep.run({ from: 2, to: 3 });
  const [first, second, third] = sweep.records().map(({ metrics }) => metrics.pid);
  expect(second).toBe(first);
  expect(third).not.toBe(first);
});

function isUp(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z');
  } catch {
    return false;
  }
}
