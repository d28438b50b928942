import { describe, expect, it } from 'vitest';
import { SshConnector } from '../../../src/services/connectors/ssh-connector.js';
import { askSample, sampleSpec } from '../../../src/testing/sample-service.js';
import { BOTH, PATIENCE, processesWith, useClusterServices } from './cluster-services.js';

const { rig, servicesOf, queue } = await useClusterServices({ minJobAgeSeconds: 20 });

const jobOf = ({ process_id }: { readonly process_id: unknown }) => (process_id as { job: string }).job;

describe('services on a cluster', { timeout: 400_000 }, () => {
  it('move to another node when theirs dies, with the same data', async () => {
    const project = servicesOf();
    const services = project.open();
    const [store] = await services.up(BOTH, project.options());
    const { stdout } = await rig.run(['squeue', '--noheader', `--jobs=${jobOf(store!)}`, '--format=%N']);
    const node = stdout.trim();
    await rig.killNode(node);
    await expect
      .poll(async () => (await services.inspect()).map(({ status }) => status), PATIENCE)
      .toEqual(['stopped', 'stopped']);
    expect(processesWith(project.root)).toEqual([]);
    const [again] = await services.up(BOTH, project.options());
    expect(again).toMatchObject({ status: 'running', restarts: 1 });
    expect(await askSample(again!)).toBe('store 2');
    await rig.startNode(node);
    await rig.resumeNode(node);
  });

  it('end in order before the time of their job is over, and another one that waits for that goes on', async () => {
    const project = servicesOf({ partition: 'short' });
    const services = project.open();
    const [store] = await services.up(BOTH, project.options());
    const seen: (typeof store)[] = [];
    const follow = async () => {
      const [now] = await services.inspect();
      await services.renew(BOTH, project.options());
      seen.push(now);
      return now?.status === 'running' && jobOf(now) !== jobOf(store!);
    };
    await expect.poll(follow, { timeout: 300_000, interval: 500 }).toBe(true);
    expect(project.progress.join('\n')).toContain('another one is submitted to follow it');
    const again = seen.at(-1)!;
    expect(again).toMatchObject({ port: store!.port, restarts: 1 });
    expect(await askSample(again)).toBe('store 2');
    // By itself, with a minute for it: Slurm leaves much less between its signal and its kill.
    expect(project.read('jobs/1/state/ended')).toBe('its time is over\n');
    expect((await queue()).filter((line) => line.endsWith('RUNNING'))).toEqual([
      `${jobOf(again)} metalab-services RUNNING`,
    ]);
    // Nobody had to ask for it.
    expect(await services.up(BOTH, project.options())).toMatchObject([{ process_id: again.process_id }, {}]);
    await services.down(['store', 'board'], project.options());
    await expect.poll(queue, PATIENCE).toEqual([]);
  });

  it('both end with down, the job that runs and the one that is to follow it', async () => {
    const project = servicesOf({ partition: 'short' });
    const services = project.open();
    await services.up([sampleSpec('store')], project.options());
    const renew = async () => {
      await services.inspect();
      await services.renew([sampleSpec('store')], project.options());
      return (await queue()).length;
    };
    await expect.poll(renew, { timeout: 150_000, interval: 500 }).toBe(2);
    await services.down(['store'], project.options());
    await expect.poll(queue, PATIENCE).toEqual([]);
    expect(processesWith(project.root)).toEqual([]);
    expect(await services.inspect()).toMatchObject([{ status: 'stopped' }]);
  });

  it('that Slurm has ended for their time are stopped, and start again with the same data', async () => {
    const project = servicesOf();
    const services = project.open();
    const [store] = await services.up([sampleSpec('store')], project.options());
    await rig.endTimeOf(jobOf(store!));
    await expect.poll(async () => (await services.inspect())[0]?.status, PATIENCE).toBe('stopped');
    await expect.poll(() => processesWith(project.root), PATIENCE).toEqual([]);
    const [again] = await services.up([sampleSpec('store')], project.options());
    expect(await askSample(again!), project.read('jobs/1/slurm.out')).toBe('store 2');
  });

  it('are reached again through a tunnel whose gateway was restarted, and after they have moved', async () => {
    const project = servicesOf();
    const services = project.open();
    const [store] = await services.up([sampleSpec('store')], project.options());
    const connector = new SshConnector(project.connect());
    const endpoint = await connector.connect(store!);
    expect(await askSample(endpoint)).toBe('store 1');
    await rig.stopGateway();
    expect(await askSample(endpoint)).toBe(undefined);
    await rig.startGateway();
    await expect.poll(() => askSample(endpoint), PATIENCE).toBe('store 1');
    await rig.run(['scancel', jobOf(store!)]);
    await expect.poll(async () => (await services.inspect())[0]?.status, PATIENCE).toBe('stopped');
    const [again] = await services.up([sampleSpec('store')], project.options());
    expect(await connector.connect(again!)).toEqual(endpoint);
    expect(await askSample(endpoint)).toBe('store 2');
    await connector.disconnect();
  });

  it('end themselves when another job has taken over, as after a node was lost that still runs', async () => {
    const project = servicesOf();
    const services = project.open();
    const [store] = await services.up([sampleSpec('store')], project.options());
    project.write('current', '2\n');
    await expect.poll(() => processesWith(project.root), PATIENCE).toEqual([]);
    expect(await askSample(store!)).toBe(undefined);
  });
});
