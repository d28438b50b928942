import { expect, test, vi } from 'vitest';
import type { RunRecord, SweepStatus } from '../../src/index.js';
import { type Project, projectWith } from '../support/project.js';
import { SmallDisk } from './small-disk.js';

/** 60 runs that each write 300 kB. */
const WRITER = `
import { experiment, grid, operation, seeds } from 'metalab';
export const write = operation(({ params, seeds, capture }) => {
  capture.metric('x', params.x);
  capture.artifact('noise', params.x + '/' + seeds.replicate + 'x'.repeat(300_000));
  capture.log('y'.repeat(5_000));
});
export default experiment({
  name: 'writer', version: '1', operation: write, params: grid({ x: Array.from({ length: 30 }, (_, x) => x) }), seeds: seeds({ base: 1, replicates: 2 }),
});`;

test('a sweep whose disk becomes full waits, keeps what it recorded, and goes on when there is room', {
  timeout: 360_000,
}, async () => {
  const { project, disk } = await projectOnSmallDisk();
  disk.fill(20);
  const submitted = await disk.metalab(['submit', project.path('writer.ts')]);
  expect(submitted).toMatchObject({ code: 3, stdout: '' });
  expect(submitted.stderr).toMatch(/^waiting: .*\/disk\/store: the disk is full$/m);
  expect(submitted.stderr).toContain('nothing recorded is lost; it continues by itself');

  const waiting = await disk.json<SweepStatus>(['status', 'writer']);
  expect(waiting).toMatchObject({ state: 'waiting', total: 60, failed: 0, cancelled: 0, running: 0 });
  expect(waiting.reason).toMatch(/the disk is full$/);
  expect(waiting.success).toBeGreaterThan(10);
  expect(waiting.success + waiting.pending).toBe(60);
  const recorded = await disk.json<RunRecord[]>(['results', 'writer']);
  expect(recorded).toHaveLength(waiting.success);
  const artifact = await disk.metalab(['artifacts', recorded[0]!.run_id, '--get', 'noise']);
  expect(artifact.stdout).toMatch(/^\d+\/[01]x{300000}$/);

  disk.free();
  await vi.waitFor(
    async () => expect((await disk.json<SweepStatus>(['status', 'writer'])).state).toBe('completed'),
    {
      timeout: 180_000,
      interval: 500,
    },
  );
  const records = await disk.json<RunRecord[]>(['results', 'writer']);
  expect(records).toHaveLength(60);
  expect(new Set(records.map((record) => record.run_id)).size).toBe(60);
  expect(records.every((record) => record.status === 'success')).toBe(true);
  // What was finished before was not done again.
  expect(records).toEqual(expect.arrayContaining(recorded));
});

test('on a disk that is full from the start nothing begins, and what is there stays as it is', {
  timeout: 360_000,
}, async () => {
  const { project, disk } = await projectOnSmallDisk();
  disk.fill();
  const first = await disk.metalab(['submit', project.path('writer.ts')]);
  expect(first).toMatchObject({ code: 3, stdout: '' });
  expect(first.stderr).toMatch(/\/disk\/store.*: the disk is full\n {2}next: make room there/);

  disk.free();
  expect((await disk.metalab(['submit', project.path('writer.ts')])).code).toBe(0);
  disk.fill();
  const source = WRITER.replace("version: '1'", "version: '2'");
  await project.write({ 'writer.ts': source });
  const second = await disk.metalab(['submit', project.path('writer.ts')]);
  expect(second).toMatchObject({ code: 3, stdout: '' });
  expect(second.stderr).toMatch(/the disk is full\n {2}next: make room there/);
  expect(await disk.json<SweepStatus[]>(['status'])).toMatchObject([
    { experiment_id: 'writer:1', state: 'completed' },
  ]);
  expect(await disk.json<RunRecord[]>(['results', 'writer'])).toHaveLength(60);
});

async function projectOnSmallDisk(): Promise<{ project: Project; disk: SmallDisk }> {
  const project = await projectWith({ 'writer.ts': WRITER });
  return { project, disk: await SmallDisk.mount(project, 32) };
}
