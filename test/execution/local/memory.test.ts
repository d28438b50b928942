import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { treeMemory } from '../../../src/execution/local/memory.js';

const MIB = 2 ** 20;

/** A process that runs a script, and has said that it is ready. */
async function start(program: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  onTestFinished(() => void process.kill(-child.pid!, 'SIGKILL'));
  await once(child.stdout!, 'data');
  return child;
}

test('a process’s memory is what it says of itself, whatever the size of a page is', async () => {
  const child = await start(process.execPath, [
    '-e',
    'setInterval(() => console.log(process.memoryUsage.rss()), 20)',
  ]);
  const [text] = (await once(child.stdout!, 'data')) as [Buffer];
  const seen = treeMemory(child.pid!, Infinity)!;
  expect(seen / Number.parseInt(String(text), 10)).toBeGreaterThan(0.7);
  expect(seen / Number.parseInt(String(text), 10)).toBeLessThan(1.4);
  expect(treeMemory(2 ** 22 + 1, Infinity)).toBeUndefined();
});

test('the memory of children, of their children and of those that threads start counts', async () => {
  const eat =
    'const kept = Buffer.alloc(100 * 2 ** 20, 1); console.log(kept.length); setInterval(() => {}, 1000);';
  const below = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(eat)}], { stdio: 'inherit' });`;
  const inThread = `new (require('node:worker_threads').Worker)(${JSON.stringify(below)}, { eval: true }); setInterval(() => {}, 1000);`;
  const child = await start(process.execPath, ['-e', inThread]);
  expect(treeMemory(child.pid!, Infinity)).toBeGreaterThan(150 * MIB);
  expect(treeMemory(child.pid!, MIB)).toBeGreaterThan(120 * MIB);
});

test('memory that forked processes share counts once', async () => {
  const script =
    "$| = 1; $kept = 'x' x (100 * 2**20); for (1..5) { if (fork == 0) { sleep 1000 } } print qq(ready\\n); sleep 1000";
  const child = await start('perl', ['-e', script]);
  expect(treeMemory(child.pid!, Infinity)).toBeGreaterThan(500 * MIB);
  expect(treeMemory(child.pid!, 400 * MIB)).toBeLessThan(300 * MIB);
});
