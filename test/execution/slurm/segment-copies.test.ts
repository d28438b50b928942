import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { SegmentCopies } from '../../../src/execution/slurm/collect/segment-copies.js';

it('a full disk is reported as a fault of the store, with the segment', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'metalab-copies-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync('/dev/full', join(folder, 'a.ndjson'));
  const copies = new SegmentCopies(folder);
  await expect(copies.write('a.ndjson', 0, Buffer.from('{}\n'))).rejects.toMatchObject({
    code: 'METALAB_STORE_FULL',
    message: expect.stringContaining('a.ndjson'),
  });
  await copies.endRound();
});
