import { readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ClusterProject, until, useCluster } from './cluster.js';

const cluster = await useCluster();
const { rig } = cluster;

/** A run takes ten minutes, until `go` is there. */
const LONG = `for (let i = 0; i < 6000 && !existsSync('GO'); i++) {
  runtime.signal.throwIfAborted();
  await sleep(100);
}`;

async function longSweep(xs: number): Promise<{ readonly sweep: ClusterProject; readonly go: () => void }> {
  const sweep = await cluster.project({ xs }, ['chunk_size = 1']);
  const go = sweep.project.path('go');
  const properties = "env: ['METALAB_TEST_SECRET'],";
  const body = LONG.replace("'GO'", JSON.stringify(go));
  await sweep.write({ xs, body, properties }, ['chunk_size = 1']);
  return { sweep, go: () => writeFileSync(go, '') };
}

const killWorkers = async () => {
  for (const pid of await cluster.workers()) process.kill(pid, 'SIGKILL');
};

/** Where the spool holds values of variables. */
const secretsOf = ({ spool }: ClusterProject) =>
  readdirSync(spool, { recursive: true }).filter((path) => String(path).endsWith('env.json'));

describe('nothing of a sweep goes on, and nothing is left of it, once it has its outcome', () => {
  it('when it is done', async () => {
    const { sweep, go } = await longSweep(2);
    const submit = sweep.submit();
    await until(() => sweep.executions.length === 2);
    expect(secretsOf(sweep)).toHaveLength(1);
    go();
    expect(await submit.outcome).toMatchObject({ success: 2, executed: 2 });
    expect(secretsOf(sweep)).toEqual([]);
  }, 360_000);

  it('when it is cancelled just after its worker was killed', async () => {
    const { sweep } = await longSweep(8);
    sweep.submit();
    await until(() => sweep.executions.length >= 4);
    await killWorkers();
    expect(await sweep.run('cancel', 'counted', '--reason', 'wrong range')).toMatchObject({ code: 0 });
    expect(await cluster.queue()).toEqual([]);
    const { records, executions } = sweep;
    expect(records.map(({ status }) => status)).toEqual(executions.map(() => 'cancelled'));
    expect(await sweep.status()).toMatchObject({ state: 'cancelled', cancelled: records.length });
    expect(secretsOf(sweep)).toEqual([]);
    await sweep.expectNoSecondSubmission();
  }, 360_000);

  it('but where the cluster is away: then the outcome says which jobs may run, and the next submit ends them', async () => {
    const { sweep, go } = await longSweep(6);
    sweep.submit();
    await until(() => sweep.executions.length >= 4);
    await rig.stopGateway();
    const job = sweep.executions[0]!.job.split('_')[0]!;
    const cancelled = sweep.run('cancel', 'counted', '--reason', 'wrong range');
    await until(async () => (await sweep.run('status', 'counted')).stderr.includes('ECONNREFUSED'), 90);
    expect(await sweep.status()).toMatchObject({ state: 'cancelling' });
    expect(await cancelled).toMatchObject({ code: 0 });
    const { state, reason } = await sweep.status();
    expect({ state, reason }).toEqual({
      state: 'cancelled',
      reason: expect.stringMatching(new RegExp(`^wrong range; job ${job} may still run, .*the next submit`)),
    });
    const before = sweep.executions.length;
    await rig.startGateway();
    const again = sweep.submit();
    await until(() => sweep.executions.length > before, 120);
    const running = new Set((await cluster.queue()).map((line) => line.split('_')[0]));
    expect([...running]).not.toContain(job);
    go();
    expect(await again.outcome).toMatchObject({ success: 6 });
    expect(secretsOf(sweep)).toEqual([]);
    await sweep.expectNoSecondSubmission();
  }, 720_000);

  it('when its workflow was terminated while no worker ran: the next submit ends it', async () => {
    const { sweep, go } = await longSweep(6);
    const submit = sweep.submit();
    await until(() => sweep.executions.length >= 4);
    const job = sweep.executions[0]!.job.split('_')[0]!;
    await killWorkers();
    submit.kill('SIGKILL');
    await cluster.terminate(sweep);
    const before = sweep.executions.length;
    const again = sweep.submit();
    await until(() => sweep.executions.length > before);
    expect((await cluster.queue()).filter((line) => line.startsWith(`${job}_`))).toEqual([]);
    go();
    expect(await again.outcome).toMatchObject({ success: 6 });
    expect(secretsOf(sweep)).toEqual([]);
    await sweep.expectNoSecondSubmission();
  }, 360_000);
});
