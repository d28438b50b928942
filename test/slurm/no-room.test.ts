import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../support/until.js';
import { type ClusterProject, useCluster } from './cluster.js';

const cluster = await useCluster();
const run = promisify(execFile);

/** A tmpfs as `file_root`: nodes and gateway are processes of this machine, which see it too. */
async function smallSpool(sweep: ClusterProject, kibibytes: number): Promise<void> {
  mkdirSync(sweep.spool);
  await run('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k,mode=700`, 'tmpfs', sweep.spool]);
  onTestFinished(() => run('umount', ['--lazy', sweep.spool]).then(() => {}));
}

const grow = (sweep: ClusterProject) => run('mount', ['-o', 'remount,size=64m', sweep.spool]);

/** A submit leaves where somebody is needed; what it submitted goes on. */
async function attach(sweep: ClusterProject): Promise<unknown> {
  const { stdout } = await sweep.run('attach', 'counted', '--json');
  return JSON.parse(stdout.trim().split('\n').at(-1)!);
}

/** Takes all the room that is left. */
function fill(sweep: ClusterProject): void {
  try {
    for (let bytes = 1 << 20; ; )
      writeFileSync(join(sweep.spool, 'others'), Buffer.alloc(bytes), { flag: 'a' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

// Only root may mount what Slurm's daemons see.
describe.runIf(process.getuid?.() === 0)('a file_root without room', () => {
  it.each([
    ['for its store.json', 0],
    ['for the programs', 300],
    ['for what the array is', 0],
  ])(
    'is told at once %s, by status and env check, and the sweep goes on when there is room',
    async (what, kibibytes) => {
      const sweep = await cluster.project({ xs: 3 }, ['chunk_size = 1']);
      await smallSpool(sweep, kibibytes || 2048);
      if (what === 'for its store.json') fill(sweep);
      if (what === 'for what the array is') {
        expect((await sweep.run('env', 'check', 'cluster', '--json')).stdout).toContain(
          '"name":"file_root","ok":"warn"',
        );
        // Programs, bundle and plan are there.
        expect(await sweep.finish()).toMatchObject({ success: 3 });
        fill(sweep);
      }
      const submit = sweep.submit('--fresh');
      await until(async () => {
        const { reason, batches } = await sweep.status();
        return /no space left on/i.test(`${reason} ${batches.map(({ waits }) => waits)}`);
      });
      const check = await sweep.run('env', 'check', 'cluster');
      expect(check.code).toBe(3);
      expect(check.stdout + check.stderr).toMatch(/no space left on .*needed.*free/);
      expect((await submit.finished).stderr).toMatch(/no space left on/i);
      await grow(sweep);
      expect(await attach(sweep)).toMatchObject({ success: 3 });
    },
    120_000,
  );

  it('in mid-sweep is reported, and the sweep continues when there is room, without executing recorded runs again', async () => {
    const sweep = await cluster.project({ xs: 40 }, ['chunk_size = 10']);
    const go = sweep.project.path('go');
    // Runs are left when there is no room any more, however slowly records are collected.
    const body = `while (params.x % 10 > 3 && !existsSync(${JSON.stringify(go)})) await sleep(50);
      capture.data('much', 'x'.repeat(60_000));`;
    await sweep.write({ xs: 40, body }, ['chunk_size = 10']);
    await smallSpool(sweep, 8192);
    const submit = sweep.submit();
    await until(() => sweep.records.length >= 4);
    fill(sweep);
    writeFileSync(go, '');
    await until(async () => {
      const { reason, batches } = await sweep.status();
      return /no space left on/i.test(`${reason} ${batches.map(({ waits }) => waits)}`);
    });
    const recorded = sweep.records.map(({ params }) => Number(params.x));
    const before = sweep.timesExecuted;
    await submit.finished;
    rmSync(join(sweep.spool, 'others'));
    expect(await attach(sweep)).toMatchObject({ success: 40, failed: 0 });
    await sweep.expectOnce(40);
    for (const x of recorded) expect(sweep.timesExecuted[x]).toBe(before[x]);
  }, 720_000);
});
