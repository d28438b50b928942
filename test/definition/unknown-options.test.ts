import { describe, expect, it } from 'vitest';
import { dir, file, grid, manual, operation, random, seeds } from '../../src/definition/index.js';

/** As a program in JavaScript calls it: whatever its types say. */
const call =
  (declare: unknown, ...given: unknown[]) =>
  () =>
    (declare as (...given: unknown[]) => unknown)(...given);

describe('an option that a function does not know is refused, with the one that was probably meant', () => {
  it.each([
    ['seeds', call(seeds, { base: 42, replicate: 20 }), 'replicates'],
    ['random', call(random, { space: {}, trails: 3, trials: 1, seed: 1 }), 'trials'],
    ['manual', call(manual, [{ x: 1 }], { tag: ['a'] }), 'tags'],
    ['operation', call(operation, { run() {}, param: undefined }), 'params'],
    ['dir', call(dir, 'images', { patern: '*.png' }), 'pattern'],
    ['file', call(file, 'table.csv', { onn: 'cluster' }), 'on'],
  ])('%s', (name, attempt, meant) => {
    expect(attempt).toThrow(new RegExp(`is not an option of ${name}[\\s\\S]*did you mean ${meant}\\?`));
  });

  it('of a grid, which has none, wherever it is written', () => {
    expect(call(grid, { x: [1] }, { shuffle: true })).toThrow(/second argument[\s\S]*it has no options/);
  });
});

describe('what is no input at all is refused with a message', () => {
  it.each([
    [call(seeds, 42), /seeds: got 42[\s\S]*an object with base, replicates/],
    [call(seeds), /seeds: got null/],
    [call(grid), /grid: got nothing[\s\S]*grid\(\{ param: \[values\] \}\)/],
    [call(random, {}), /3 problems[\s\S]*random\.space: is missing/],
    [call(manual, { x: 1 }), /manual: got \{"x":1\}/],
    [call(operation, {}), /operation\.run: is missing/],
    [call(operation, { run() {}, params: { x: 1 } }), /operation\.params: is \{"x":1\}[\s\S]*a zod schema/],
    [call(file), /file: got nothing[\s\S]*a path/],
    [call(dir, 3), /dir: got 3/],
  ])('%#', (attempt, message) => expect(attempt).toThrow(message));
});
