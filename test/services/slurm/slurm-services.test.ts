import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  ask,
  BOTH,
  linesOf,
  PASSWORD,
  PATIENCE,
  processesWith,
  specOf,
  useClusterServices,
} from './cluster-services.js';

const { rig, servicesOf, queue } = await useClusterServices();

describe('services on a cluster', { timeout: 300_000 }, () => {
  it('start in one job, in order, and are reached on its node; down ends them in reverse order', async () => {
    const project = servicesOf();
    const services = project.open();
    expect(await services.inspect()).toEqual([]);
    const handles = await services.up(BOTH, project.options());
    expect(handles).toMatchObject([
      { name: 'store', status: 'running', restarts: 0, metadata: { flavour: 'test' } },
      { name: 'board', status: 'running', restarts: 0 },
    ]);
    const [store, board] = handles as [(typeof handles)[0], (typeof handles)[0]];
    expect(store.since).toMatch(/^\d{4}-.*Z$/);
    expect(store.process_id).toEqual(board.process_id);
    expect(await queue()).toEqual([
      expect.stringMatching(`^${(store.process_id as { job: string }).job} metalab-services RUNNING$`),
    ]);
    // A consumer reaches its provider on their node; others by the node's name.
    expect(await ask(store)).toBe('store 1');
    expect(await ask(board)).toBe(`board 1 test://me@127.0.0.1:${store.port}/lab`);
    expect(store.provides).toEqual([{ kind: 'store', value: `test://me@${store.host}:${store.port}/lab` }]);
    expect(project.progress.join('\n')).toMatch(/job \d+ (is in Slurm's queue|begins)|starting on/);
    expect(await services.inspect()).toEqual(handles);

    await services.down(['store', 'board'], project.options());
    expect((await services.inspect()).map(({ status }) => status)).toEqual(['stopped', 'stopped']);
    expect(linesOf(join(project.data('store'), '../ends'))).toEqual(['board', 'store']);
    expect(processesWith(project.root)).toEqual([]);
    await expect.poll(queue, PATIENCE).toEqual([]);
  });

  it('have their data and ports again after down and up, and files that only the user can read', async () => {
    const project = servicesOf();
    const services = project.open();
    const [first] = await services.up([specOf('store')], project.options());
    await services.down(['store'], project.options());
    const [second] = await services.up([specOf('store')], project.options());
    expect(second).toMatchObject({ port: first!.port, restarts: 0 });
    expect(second!.process_id).not.toEqual(first!.process_id);
    expect(await ask(second!)).toBe('store 2');
    const modes = ['', '../..', '../../../..'].map(
      (up) => statSync(join(project.data('store'), up)).mode & 0o77,
    );
    expect(modes).toEqual([0, 0, 0]);
    expect(statSync(join(project.data('store'), 'config.json')).mode & 0o777).toBe(0o600);
    const { stdout } = await rig.run(['sh', '-c', 'scontrol show job; ps -A -ww -o args']);
    expect(stdout).not.toContain(PASSWORD);
  });

  it('are one set, however many ask for them at once', async () => {
    const project = servicesOf();
    const [one, other] = [project.open(), project.open()];
    const [first, second] = await Promise.all([
      one.up(BOTH, project.options()),
      other.up(BOTH, project.options()),
    ]);
    expect(second).toEqual(first);
    expect(await queue()).toHaveLength(1);
    expect(await project.open().up(BOTH, project.options())).toEqual(first);
    expect(await ask(first[0]!)).toBe('store 1');
  });

  it('begin anew when other settings are wanted', async () => {
    const project = servicesOf();
    const services = project.open();
    const [first] = await services.up([specOf('store')], project.options());
    const [second] = await services.up([specOf('store', { other: true })], project.options());
    expect(second!.process_id).not.toEqual(first!.process_id);
    expect(await ask(second!)).toBe('store 2');
    expect(processesWith(project.root).length).toBeGreaterThan(0);
    await expect.poll(queue, PATIENCE).toHaveLength(1);
  });

  it('say why one does not start, with the end of its log, and leave nothing', async () => {
    const project = servicesOf();
    const services = project.open();
    const going = services.up([specOf('store'), specOf('board', { dies: 'no disk' })], project.options());
    await expect(going).rejects.toMatchObject({
      code: 'METALAB_SERVICE_FAILED',
      service: 'board',
      message: expect.stringMatching(/board: ended while starting[\s\S]*can not go on: no disk/),
    });
    await expect.poll(queue, PATIENCE).toEqual([]);
    expect(processesWith(project.root)).toEqual([]);
    expect((await services.inspect()).map(({ status }) => status)).toEqual(['stopped', 'stopped']);
  });

  it('wait for their turn in the queue as long as it takes, and say at once when their job is cancelled there', async () => {
    const blocker = await rig.submit('sleep 600', ['--nodes=2', '--exclusive']);
    const project = servicesOf();
    const services = project.open();
    const going = services.up([specOf('store')], project.options());
    going.catch(() => {});
    await expect.poll(() => project.progress.join('\n'), PATIENCE).toMatch(/in Slurm's queue: Resources/);
    expect(await project.open().inspect()).toMatchObject([{ status: 'starting', since: null }]);
    await rig.run(['scancel', '--name=metalab-services']);
    await expect(going).rejects.toMatchObject({
      message: expect.stringMatching(/Slurm ended it: CANCELLED/),
    });
    await rig.run(['scancel', blocker]);
    const [again] = await services.up([specOf('store')], project.options());
    expect(await ask(again!)).toBe('store 1');
  });

  it('can be called off while they wait in the queue, and never start then', async () => {
    const blocker = await rig.submit('sleep 600', ['--nodes=2', '--exclusive']);
    const project = servicesOf();
    const services = project.open();
    const stop = new AbortController();
    const going = services.up([specOf('store')], project.options(stop.signal));
    going.catch(() => {});
    await expect.poll(() => project.progress.join('\n'), PATIENCE).toMatch(/in Slurm's queue/);
    stop.abort(new Error('called off'));
    await expect(going).rejects.toThrow('called off');
    await services.down(['store'], project.options());
    await rig.run(['scancel', blocker]);
    await expect.poll(queue, PATIENCE).toEqual([]);
    expect(existsSync(join(project.data('store'), 'starts'))).toBe(false);
  });

  it('show their logs, also after their death, and follow them', async () => {
    const project = servicesOf();
    const services = project.open();
    await services.up([specOf('store')], project.options());
    const read = async (follow: boolean, signal = new AbortController().signal) => {
      let text = '';
      for await (const piece of services.logs('store', { tail: 10, follow, signal })) {
        text += Buffer.from(piece).toString();
        if (follow && text.split('listens').length > 2) break;
      }
      return text;
    };
    expect(await read(false)).toBe('listens\n');
    await services.down(['store'], project.options());
    expect(await read(false)).toBe('listens\n');
    const following = read(true);
    await services.up([specOf('store')], project.options());
    expect(await following).toBe('listens\nlistens\n');
    for await (const _ of services.logs('none', {
      tail: 1,
      follow: false,
      signal: AbortSignal.timeout(60_000),
    }));
  });

  it('are started again in their job when they die', async () => {
    const project = servicesOf();
    const services = project.open();
    const [store] = await services.up(BOTH, project.options());
    const [pid] = processesWith(`${project.data('store')}/server.py`);
    process.kill(pid!, 'SIGKILL');
    await expect.poll(() => ask(store!), PATIENCE).toBe('store 2');
    await expect
      .poll(() => services.inspect(), PATIENCE)
      .toMatchObject([
        { name: 'store', status: 'running', restarts: 1 },
        { name: 'board', status: 'running', restarts: 0 },
      ]);
    expect((await services.inspect())[0]!.process_id).toEqual(store!.process_id);
  });

  it('are stopped once somebody has cancelled their job, and up gives another with the same data', async () => {
    const project = servicesOf();
    const services = project.open();
    const [store] = await services.up(BOTH, project.options());
    await rig.run(['scancel', (store!.process_id as { job: string }).job]);
    await expect
      .poll(async () => (await services.inspect()).map(({ status }) => status), PATIENCE)
      .toEqual(['stopped', 'stopped']);
    await expect.poll(() => processesWith(project.root), PATIENCE).toEqual([]);
    const [again] = await services.up(BOTH, project.options());
    expect(again).toMatchObject({ status: 'running', restarts: 1, port: store!.port });
    expect(await ask(again!)).toBe('store 2');
  });

  it('take another port where theirs is in use on the node', async () => {
    const project = servicesOf();
    const services = project.open();
    const [first] = await services.up([specOf('store')], project.options());
    await services.down(['store'], project.options());
    const { createServer } = await import('node:net');
    const holder = createServer().listen(first!.port, '127.0.0.1');
    const [second] = await services.up([specOf('store')], project.options());
    holder.close();
    expect(second!.port).not.toBe(first!.port);
    expect(await ask(second!)).toBe('store 2');
  });

  it('are unknown while the gateway does not answer, and no second set is started for that', async () => {
    const project = servicesOf();
    const services = project.open();
    const [store] = await services.up([specOf('store')], project.options());
    await rig.stopGateway();
    expect(await services.inspect()).toMatchObject([{ name: 'store', status: 'unknown', host: store!.host }]);
    const going = services.up([specOf('store')], project.options());
    await expect.poll(() => ask(store!), PATIENCE).toBe('store 1');
    await sleep(3_000);
    expect(await queue()).toHaveLength(1);
    await rig.startGateway();
    expect((await going)[0]).toEqual(store);
    expect(await services.inspect()).toEqual([store]);
    expect(await queue()).toHaveLength(1);
  });
});
