import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  opendirSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeOrphans } from '../../../src/storage/file/orphans.js';
import { ownerName } from '../../../src/storage/file/owner.js';

/** No process has this id: beyond the largest that Linux gives. */
const NOBODY = 2 ** 22 + 1;
const [place] = ownerName().split('-');
/** To root, who runs CI in containers, nothing is forbidden. */
const isRoot = process.geteuid?.() === 0;
const NOT_ROOT = 65_534;
const RANDOM = '0'.repeat(12);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orphans-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a leftover that can't be removed does not keep the others from being removed", async () => {
  const names = ['a', 'b', 'c'].map((each) => `metalab-${each}-${place}-${NOBODY}-${RANDOM}`);
  const stuck = readdirOrder(names)[0]!;
  writeFileSync(join(folder, stuck, 'x'), '');
  const all = names.map((name) => join(folder, name));
  for (const path of [join(folder, stuck, 'x'), ...all, folder])
    if (isRoot) chownSync(path, NOT_ROOT, NOT_ROOT);
  chmodSync(join(folder, stuck), 0o500);
  if (isRoot) process.seteuid!(NOT_ROOT);
  try {
    expect(await removeOrphans(folder, 'metalab-')).toBe(true);
  } finally {
    if (isRoot) process.seteuid!(0);
    chmodSync(join(folder, stuck), 0o700);
  }
  expect(readdirSync(folder)).toEqual([stuck]);
});

test.skipIf(!isRoot)('what another user made under such a name is left alone', async () => {
  const [theirs, ours] = ['a', 'b'].map((each) => `metalab-${each}-${place}-${NOBODY}-${RANDOM}`);
  for (const name of [theirs!, ours!]) mkdirSync(join(folder, name));
  chownSync(join(folder, theirs!), NOT_ROOT, NOT_ROOT);
  expect(await removeOrphans(folder, 'metalab-')).toBe(true);
  expect(readdirSync(folder)).toEqual([theirs]);
});

/** Makes the folders. @returns their names as a reader comes upon them, which is no order of names */
function readdirOrder(names: readonly string[]): string[] {
  for (const name of names) mkdirSync(join(folder, name));
  const entries = opendirSync(folder);
  const order: string[] = [];
  for (let entry = entries.readSync(); entry; entry = entries.readSync()) order.push(entry.name);
  entries.closeSync();
  return order;
}
