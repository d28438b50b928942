import { expect, it } from 'vitest';
import { fingerprint } from '../../src/identity/fingerprint.js';
import { RunTable } from '../../src/planning/run-table.js';

it('a table of run ids finds every cell, and none for ids that it was not given', () => {
  const ids = Array.from({ length: 5_000 }, (_, cell) => fingerprint({ cell }));
  const table = new RunTable(ids.length);
  for (const [cell, id] of ids.entries()) table.set(id, cell);
  expect(ids.map((id) => table.find(id))).toEqual(ids.map((_, cell) => cell));
  expect(table.find(fingerprint('another'))).toBe(-1);
});

it('ids that share their beginning are told apart', () => {
  const table = new RunTable(3);
  const ids = ['00', '01', 'ff'].map((end) => 'ab'.repeat(15) + end);
  for (const [cell, id] of ids.entries()) table.set(id, cell);
  expect(ids.map((id) => table.find(id))).toEqual([0, 1, 2]);
  expect(table.find(`${'ab'.repeat(15)}02`)).toBe(-1);
});
