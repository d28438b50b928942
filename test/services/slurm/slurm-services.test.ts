import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { askSample, sampleSpec } from '../../../src/testing/sample-service.js';
import { BOTH, PATIENCE, processesWith, useClusterServices } from './cluster-services.js';

const { rig, servicesOf, queue } = await useClusterServices();

describe('services on a cluster', { timeout: 300_000 }, () => {
  it('are one job, are reached by the name of its node, and there directly; others enter none of its folders', async () => {
    const project = servicesOf();
    const services = project.open();
    const [store, board] = await services.up(BOTH, project.options());
    expect(store!.process_id).toEqual(board!.process_id);
    expect(await queue()).toEqual([
      expect.stringMatching(`^${(store!.process_id as { job: string }).job} metalab-services RUNNING$`),
    ]);
    expect(store!.host).not.toBe('127.0.0.1');
    expect(await askSample(board!)).toBe(`board 1 test://me@127.0.0.1:${store!.port}/lab`);
    expect(project.progress.join('\n')).toMatch(/job \d+ (is in Slurm's queue|begins)|starting on/);
    const modes = ['', '../..', '../../../..'].map(
      (up) => statSync(join(project.data('store'), up)).mode & 0o77,
    );
    expect(modes).toEqual([0, 0, 0]);
    await services.down(['store', 'board'], project.options());
    await expect.poll(queue, PATIENCE).toEqual([]);
  });

  it('wait for their turn in the queue as long as it takes, and say at once when their job is cancelled there', async () => {
    const blocker = await rig.submit('sleep 600', ['--nodes=2', '--exclusive']);
    const project = servicesOf();
    const services = project.open();
    const going = services.up([sampleSpec('store')], project.options());
    going.catch(() => {});
    await expect.poll(() => project.progress.join('\n'), PATIENCE).toMatch(/in Slurm's queue: Resources/);
    expect(await project.open().inspect()).toMatchObject([{ status: 'starting', since: null }]);
    await rig.run(['scancel', '--name=metalab-services']);
    await expect(going).rejects.toMatchObject({
      message: expect.stringMatching(/Slurm ended it: CANCELLED/),
    });
    await rig.run(['scancel', blocker]);
    const [again] = await services.up([sampleSpec('store')], project.options());
    expect(await askSample(again!)).toBe('store 1');
  });

  it('can be called off while they wait in the queue, and never start then', async () => {
    const blocker = await rig.submit('sleep 600', ['--nodes=2', '--exclusive']);
    const project = servicesOf();
    const services = project.open();
    const stop = new AbortController();
    const going = services.up([sampleSpec('store')], project.options(stop.signal));
    going.catch(() => {});
    await expect.poll(() => project.progress.join('\n'), PATIENCE).toMatch(/in Slurm's queue/);
    stop.abort(new Error('called off'));
    await expect(going).rejects.toThrow('called off');
    await services.down(['store'], project.options());
    await rig.run(['scancel', blocker]);
    await expect.poll(queue, PATIENCE).toEqual([]);
    expect(existsSync(join(project.data('store'), 'starts'))).toBe(false);
  });

  it('are started again in their job when they die', async () => {
    const project = servicesOf();
    const services = project.open();
    const [store] = await services.up(BOTH, project.options());
    const [pid] = processesWith(`${project.data('store')}/server.mjs`);
    process.kill(pid!, 'SIGKILL');
    await expect.poll(() => askSample(store!), PATIENCE).toBe('store 2');
    await expect
      .poll(() => services.inspect(), PATIENCE)
      .toMatchObject([
        { name: 'store', status: 'running', restarts: 1 },
        { name: 'board', status: 'running', restarts: 0 },
      ]);
    expect((await services.inspect())[0]!.process_id).toEqual(store!.process_id);
    // What the killed one had started has ended.
    expect(processesWith(`${project.data('store')}/child`)).toHaveLength(1);
  });

  it('take another port where theirs is in use on the node', async () => {
    const project = servicesOf();
    const services = project.open();
    const [first] = await services.up([sampleSpec('store')], project.options());
    await services.down(['store'], project.options());
    const { createServer } = await import('node:net');
    const holder = createServer().listen(first!.port, '127.0.0.1');
    const [second] = await services.up([sampleSpec('store')], project.options());
    holder.close();
    expect(second!.port).not.toBe(first!.port);
    expect(await askSample(second!)).toBe('store 2');
  });
});
