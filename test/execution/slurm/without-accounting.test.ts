import { createHash } from 'node:crypto';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { slurmStateFile } from '../../../src/execution/slurm/spool/state-file.js';
import { environmentFile } from '../../../src/storage/file/layout.js';
import { body } from '../local/sweep.js';
import { PATIENCE, useClusterSweeps } from './cluster-sweep.js';

const { rig, sweepOf } = await useClusterSweeps({ accounting: false, minJobAgeSeconds: 20 });

const MIB = 1024 ** 2;
const QUICK = body("capture.metric('x', params.x);");
const LONG = body('await new Promise((resolve) => setTimeout(resolve, 4_000));', { async: true });
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const jobs = async () =>
  new Set((await rig.run(['squeue', '-h', '-t', 'all', '-o', '%F %j'])).stdout.trim().split('\n'));

test('cancelled tasks and tasks ended for their memory are recognised', async () => {
  const code = `import { execFileSync } from 'node:child_process';
    ${body(
      `if (params.x === 1) execFileSync(process.execPath, ['-e', 'globalThis.b = Buffer.alloc(7e8, 1); setTimeout(() => {}, 5000)']);
       if (params.x === 2) { fs.writeFileSync('started', '\\n'); await new Promise((resolve) => setTimeout(resolve, 60_000)); }`,
      { async: true },
    )}`;
  // A run may have more than its whole task, so that it is Slurm that ends the task.
  const declaration = { memory_bytes: 2048 * MIB };
  const config = { chunk_size: 1, memory_bytes: 400 * MIB };
  const sweep = sweepOf({ code, cases: 4, declaration, config });
  const running = sweep.execute();
  await expect.poll(() => sweep.worked('started').length > 0 && sweep.last?.job, PATIENCE).toBeTruthy();
  await rig.run(['scancel', `${sweep.last?.job}_2`]);
  expect(await running).toMatchObject({ success: 2, failed: 1, left: [{ from: 2, to: 3 }] });
  expect(sweep.records[1]?.error).toMatchObject({
    type: 'MemoryError',
    message: expect.stringContaining('memory of 400 MiB'),
  });
});

test('a set-up that fails is reported, and another array is tried with the same token', async () => {
  const sweep = sweepOf({ code: QUICK, cases: 2, config: { setup: ['cat /nowhere/gcc'] } });
  for (const arrays of [1, 2]) {
    const fault = await sweep.execute().catch((error) => error);
    expect(fault).toMatchObject({ code: 'SET_UP' });
    expect(fault.message).toContain('/nowhere/gcc');
    expect(sweep.arrays()).toHaveLength(arrays);
  }
});

test.each([
  ['gone', (path: string) => rmSync(path)],
  ['torn', (path: string) => writeFileSync(path, '{"jobs": {"a')],
])('a state file that is %s leads to no second submission', async (_, damage) => {
  const sweep = sweepOf({ code: LONG, cases: 2, config: { chunk_size: 1 } });
  const before = await jobs();
  const first = sweep.execute().catch((error) => error.code);
  await expect.poll(() => sweep.last?.running, PATIENCE).toBeGreaterThan(0);
  sweep.stop('yield');
  expect(await first).toBe('CLOSED');
  damage(slurmStateFile(sweep.sweep.folder, 's1'));
  sweep.executor = sweep.makeExecutor();
  expect(await sweep.execute()).toMatchObject({ success: 2, left: [] });
  expect([...(await jobs())].filter((job) => !before.has(job))).toHaveLength(1);
  expect(sweep.records).toHaveLength(2);
});

test('runs see files that were uploaded, and values that nobody else can read and that do not stay', async () => {
  const sweep = sweepOf({
    code: body(
      "capture.metric('bytes', fs.readFileSync(args.context.table.path).length); capture.metric('known', Number(process.env.KNOWN));",
    ),
    cases: 2,
  });
  const table = join(sweep.sweep.root, 'table.csv');
  writeFileSync(table, 'a,b\n');
  const file = { path: table, content_hash: sha256('a,b\n'), size_bytes: 4, mtime_ms: 0, inode: 0 };
  sweep.sweep.declare({ context: { table: { $metalab: 'file', ...file } }, files: [file], env: ['KNOWN'] });
  const values = (folder: string) => environmentFile(folder, 's1');
  writeFileSync(values(sweep.sweep.folder), JSON.stringify({ KNOWN: '42' }));
  expect(await sweep.execute()).toMatchObject({ success: 2 });
  expect(sweep.records.map(({ metrics }) => metrics)).toEqual(Array(2).fill({ bytes: 4, known: 42 }));
  const there = join(sweep.fileRoot, 'sweep@1');
  expect(statSync(values(there)).mode & 0o777).toBe(0o600);
  expect(existsSync(join(sweep.fileRoot, 'files', file.content_hash, 'table.csv'))).toBe(true);
  const { folder } = sweep.sweep;
  await sweep.executor.end({ folder, experiment_id: 'sweep:1', submission: 's1' });
  expect(existsSync(values(there))).toBe(false);
});
