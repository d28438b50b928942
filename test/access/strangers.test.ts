import { expect, test } from 'vitest';
import { type Entry, openingsAbove, openingsIn } from '../../src/access/strangers.js';

const ME = { uid: 1000, gids: [1000, 500] };
const LAB = 500;
const OTHER_GROUP = 600;
const SOMEBODY = 1001;

const entry = (mode: number, uid = ME.uid, gid = 1000): Entry => ({
  path: '/x',
  uid,
  gid,
  mode,
});
const kindsIn = (...entries: Entry[]) => openingsIn(entries, ME).map(({ kind }) => kind);
const kindsAbove = (folder: Entry, owner = ME.uid) =>
  openingsAbove([folder], ME, owner).map(({ kind }) => kind);

test.each([
  ['mine, private', entry(0o700), []],
  ['mine, readable by all', entry(0o755), []],
  ["root's", entry(0o755, 0, 0), []],
  ['mine, with a private group that may write (umask 002)', entry(0o775), []],
  ['mine, writable by everybody', entry(0o777), ['others']],
  ['mine, writable by everybody, sticky', entry(0o1777), ['others']],
  ["somebody else's", entry(0o755, SOMEBODY, SOMEBODY), ['owner']],
  ['mine, writable by a group that was not made to share it', entry(0o775, ME.uid, LAB), ['group']],
  ['mine, shared with my group by chmod g+ws', entry(0o2775, ME.uid, LAB), []],
  ["somebody else's, shared with my group by chmod g+ws", entry(0o2775, SOMEBODY, LAB), []],
  ['shared with a group that I am not in', entry(0o2775, SOMEBODY, OTHER_GROUP), ['owner']],
  ['shared with my group and with everybody', entry(0o2777, ME.uid, LAB), ['others']],
])('a store that is %s', (_, folder, expected) => {
  expect(kindsIn(folder)).toEqual(expected);
});

test("in a store that a group shares, what members wrote may be used, and nobody else's", () => {
  const store = entry(0o2770, SOMEBODY, LAB);
  expect(kindsIn(store, entry(0o644, SOMEBODY, LAB), entry(0o664, 1002, LAB))).toEqual([]);
  expect(kindsIn(store, entry(0o644, SOMEBODY, OTHER_GROUP))).toEqual(['owner']);
  expect(kindsIn(store, entry(0o666, ME.uid, LAB))).toEqual(['others']);
});

test("in a store of one's own, files of others may not be used, whatever their group", () => {
  expect(kindsIn(entry(0o755), entry(0o644, SOMEBODY, LAB))).toEqual(['owner']);
});

test.each([
  ["root's", entry(0o755, 0, 0), []],
  ['/tmp', entry(0o1777, 0, 0), []],
  ['writable by everybody, not sticky', entry(0o777, 0, 0), ['others']],
  ["a lab's, that I am in", entry(0o775, 0, LAB), []],
  ['of a group that I am not in', entry(0o775, 0, OTHER_GROUP), ['group']],
  ["somebody else's", entry(0o755, SOMEBODY, SOMEBODY), ['owner']],
])('a folder above that is %s', (_, folder, expected) => {
  expect(kindsAbove(folder)).toEqual(expected);
});

test('a folder above may be its that owns the store', () => {
  expect(kindsAbove(entry(0o755, SOMEBODY, SOMEBODY), SOMEBODY)).toEqual([]);
});
