import { expect, it } from 'vitest';
import { fingerprint } from '../../src/identity/fingerprint.js';
import { RunTable } from '../../src/planning/run-table.js';

it('a table of run ids finds every cell, and none for ids that it was not given', () => {
  const ids = Array.from({ length: 5_000 }, (_, cell) => fingerprint({ cell }));
  const table = new RunTable(new SharedArrayBuffer(RunTable.bytes(ids.length)), ids.length);
  for (const [cell, id] of ids.entries()) table.set(id, cell);
  expect(ids.map((id) => table.find(id))).toEqual(ids.map((_, cell) => cell));
  expect(table.find(fingerprint('another'))).toBe(-1);
});

it('ids that share their beginning are told apart', () => {
  const table = new RunTable(new SharedArrayBuffer(RunTable.bytes(3)), 3);
  const ids = ['00', '01', 'ff'].map((end) => 'ab'.repeat(15) + end);
  for (const [cell, id] of ids.entries()) table.set(id, cell);
  expect(ids.map((id) => table.find(id))).toEqual([0, 1, 2]);
  expect(table.find(`${'ab'.repeat(15)}02`)).toBe(-1);
});

it('what is no id of 32 hex digits is none of the table', () => {
  const table = new RunTable(new SharedArrayBuffer(RunTable.bytes(1)), 1);
  table.set('0'.repeat(32), 0);
  for (const id of ['', '0'.repeat(31), '0'.repeat(33), 'z'.repeat(32), `é${'0'.repeat(31)}`])
    expect(table.find(id)).toBe(-1);
});

it('a cleared table finds nothing, and takes other ids', () => {
  const table = new RunTable(new SharedArrayBuffer(RunTable.bytes(2)), 2);
  table.set(fingerprint('before'), 0);
  table.clear();
  table.set(fingerprint('after'), 1);
  expect(table.find(fingerprint('before'))).toBe(-1);
  expect(table.find(fingerprint('after'))).toBe(1);
});
