import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { Scratch } from '../../../src/results/duckdb/scratch.js';
import { ownerName, temporaryName } from '../../../src/storage/file/owner.js';

/** No process has this id: beyond the largest that Linux gives. */
const NOBODY = 2 ** 22 + 1;
const [place] = ownerName().split('-');
const RANDOM = '0'.repeat(12);

test('a query leaves the folders of processes of other containers alone, and removes those of dead ones of its own', async () => {
  const query = new Scratch();
  const dead = join(tmpdir(), `metalab-query-${place}-${NOBODY}-${RANDOM}`);
  const foreign = join(tmpdir(), `metalab-query-00000000-${NOBODY}-${RANDOM}`);
  const alive = join(tmpdir(), `metalab-query-${temporaryName()}`);
  try {
    for (const each of [dead, foreign, alive]) mkdirSync(each);
    writeFileSync(query.file('x'), '');
    await expect.poll(() => readdirSync(tmpdir()), { timeout: 60_000 }).not.toContain(basename(dead));
    for (const each of [foreign, alive]) expect(readdirSync(each)).toEqual([]);
  } finally {
    query.remove();
    for (const each of [dead, foreign, alive]) rmSync(each, { recursive: true, force: true });
  }
});

test('many that are open at once make Node warn of nothing', async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on('warning', listen);
  const open = Array.from({ length: 20 }, () => new Scratch());
  await new Promise(setImmediate);
  for (const each of open) each.remove();
  process.off('warning', listen);
  expect(warnings).toEqual([]);
});
