import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { body, buildRunner, Sweep } from './sweep.js';

let built: Awaited<ReturnType<typeof buildRunner>>;
let sweep: Sweep;

beforeAll(async () => {
  built = await buildRunner();
});
afterAll(() => built.remove());

/** A file system of its own needs root. */
describe.skipIf(process.getuid?.() !== 0)('a disk that fills up', () => {
  const ballast = () => join(sweep.folder, 'segments', 'ballast');

  const onSmallDisk = (code: string, cases: number, freeBytes: number) => {
    sweep = new Sweep(built.runner, { code, cases });
    const segments = join(sweep.folder, 'segments');
    execFileSync('mkdir', ['-p', segments]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1M', 'tmpfs', segments]);
    writeFileSync(ballast(), Buffer.alloc(2 ** 20 - freeBytes));
  };
  afterEach(async () => {
    await sweep.executor.close();
    execFileSync('umount', [join(sweep.folder, 'segments')]);
    await sweep.remove();
  });

  test('the fault says so, counts exactly what was recorded, and the sweep goes on when there is room', async () => {
    onSmallDisk(body("fs.appendFileSync('executed', params.x + '\\n');"), 1_000, 100_000);
    const fault = await sweep.run().catch((error: unknown) => error);
    expect(fault).toMatchObject({
      name: 'ExecutionFault',
      code: 'ENOSPC',
      message: expect.stringContaining('no space left'),
    });
    const { next, success } = (fault as { report: { next: number; success: number } }).report;
    expect(next).toBeGreaterThan(50);
    expect(success).toBe(next);
    expect(sweep.records().map(({ index }) => index)).toEqual(
      Array.from({ length: next }, (_, index) => index),
    );

    rmSync(ballast());
    await sweep.run({ from: next });
    expect(sweep.records().map(({ index }) => index)).toEqual(
      Array.from({ length: 1_000 }, (_, index) => index),
    );
  });

  test('a log line that can’t be written is no failure of its run', async () => {
    onSmallDisk(body("capture.log('x'.repeat(200_000));"), 3, 100_000);
    await expect(sweep.run()).rejects.toMatchObject({ code: 'ENOSPC', report: { next: 0, failed: 0 } });
    rmSync(ballast());
    expect(await sweep.run()).toMatchObject({ next: 3, success: 3 });
    expect(sweep.records()).toHaveLength(3);
  });
});
