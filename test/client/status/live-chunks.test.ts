import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readLiveChunks } from '../../../src/client/status/live-chunks.js';
import { liveFolder } from '../../../src/storage/file/layout.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'metalab-live-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function tell(submission: string, success: number): void {
  const place = liveFolder(folder, submission);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'w1.json'), JSON.stringify({ worker: 'w1', chunks: [{ from: 0, success }] }));
}

const successes = async (submission: string) =>
  (await readLiveChunks(folder, submission)).map(({ success }) => success);

test('all who watch a submission share one reading of its live files, and soon see what changes', async () => {
  tell('s1', 1);
  tell('s2', 7);
  const watchers = Array.from({ length: 50 }, () => readLiveChunks(folder, 's1'));
  const [first, ...others] = await Promise.all(watchers);
  expect(first).toMatchObject([{ worker: 'w1', from: 0, success: 1 }]);
  for (const other of others) expect(other).toBe(first);
  expect(await successes('s2')).toEqual([7]);
  tell('s1', 2);
  await expect.poll(() => successes('s1')).toEqual([2]);
});

test('a damaged live file, or none, is no chunk in progress', async () => {
  expect(await successes('none')).toEqual([]);
  tell('s1', 1);
  writeFileSync(join(liveFolder(folder, 's1'), 'w2.json'), '{"worker": "w2", "chu');
  expect(await successes('s1')).toEqual([1]);
});
