import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FreeRanges } from '../../../../src/execution/slurm/task/free-ranges.js';
import { ROOT } from '../../../support/metalab.js';

let array: string;
beforeEach(() => {
  array = mkdtempSync(join(tmpdir(), 'metalab-free-'));
});
afterEach(() => rmSync(array, { recursive: true }));

const MODULE = pathToFileURL(join(ROOT, 'dist', 'execution', 'slurm', 'task', 'free-ranges.js')).href;

/** A process that takes positions until nothing is free, and gives every seventh take back once. */
const PROGRAM = `
  import { FreeRanges } from ${JSON.stringify(MODULE)};
  const [array, task, positions, tasks, most] = process.argv.slice(1).map((word, at) => (at ? Number(word) : word));
  const free = new FreeRanges(array, task, { positions, tasks });
  const taken = [];
  let takes = 0;
  for (let range = await free.take(() => most); range; range = await free.take(() => most)) {
    if (++takes % 7 === 0) await free.giveBack(range);
    else taken.push(range);
  }
  console.log(JSON.stringify({ takes, taken }));
`;

async function takeAll(task: number, positions: number, tasks: number, most: number) {
  const args = [array, task, positions, tasks, most].map(String);
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    PROGRAM,
    ...args,
  ]);
  return JSON.parse(stdout) as { takes: number; taken: { from: number; to: number }[] };
}

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);
const positionsOf = (ranges: readonly { from: number; to: number }[]) =>
  ranges.flatMap(({ from, to }) => upTo(to).slice(from)).sort((a, b) => a - b);

describe('of many processes that take positions', () => {
  test.each([
    ['twenty with a place of their own', 20, 3_000, 3],
    ['twenty that all begin at the same place', 1, 3_000, 3],
    ['twenty for the last few', 20, 30, 1],
  ])(
    'each position is taken by one: %s',
    async (_, tasks, positions, most) => {
      const all = await Promise.all(upTo(20).map((task) => takeAll(task % tasks, positions, tasks, most)));
      expect(positionsOf(all.flatMap(({ taken }) => taken))).toEqual(upTo(positions));
      expect(all.reduce((sum, { takes }) => sum + takes, 0)).toBeGreaterThanOrEqual(positions / most);
      expect(readdirSync(array)).toEqual(['free']);
      // However often it was given back, nothing is left of what was taken.
      expect(readdirSync(join(array, 'free'))).toEqual(['keep']);
    },
    120_000,
  );

  test('a task that is killed keeps only what it took', async () => {
    const killed = new FreeRanges(array, 0, { positions: 100, tasks: 2 });
    expect(await killed.take(() => 10)).toEqual({ from: 0, to: 10 });
    const { taken } = await takeAll(1, 100, 2, 7);
    expect(positionsOf(taken)).toEqual(upTo(100).slice(10));
  });
});

test('as many positions are taken as are wanted of those that are free, first from the own place on', async () => {
  const free = new FreeRanges(array, 1, { positions: 100, tasks: 4 });
  const seen: number[] = [];
  const take = (count: number) =>
    free.take((all) => {
      seen.push(all);
      return count;
    });
  expect(await take(10)).toEqual({ from: 25, to: 35 });
  expect(await take(100)).toEqual({ from: 35, to: 50 });
  expect(await take(100)).toEqual({ from: 50, to: 75 });
  expect(await take(100)).toEqual({ from: 75, to: 100 });
  expect(await take(5)).toEqual({ from: 0, to: 5 });
  await free.giveBack({ from: 40, to: 42 });
  expect(await free.list()).toEqual([
    { from: 5, to: 25 },
    { from: 40, to: 42 },
  ]);
  expect(await take(100)).toEqual({ from: 40, to: 42 });
  expect(await take(100)).toEqual({ from: 5, to: 25 });
  expect(await take(100)).toBeUndefined();
  expect(seen).toEqual([100, 90, 75, 50, 25, 22, 20]);
});
