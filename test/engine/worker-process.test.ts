import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { rolldown } from 'rolldown';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { processStart } from '../../src/engine/process-start.mjs';
import { engineStatus } from '../../src/engine/status.js';
import { stopEngine } from '../../src/engine/stop.js';
import { ensureWorker } from '../../src/engine/worker/worker-process.js';
import { kill } from '../support/kill.js';
import { temporaryEngine } from './temporary-engine.js';

const ADDRESS = '127.0.0.1:1';

let engine: ReturnType<typeof temporaryEngine>;
let program: string;

beforeEach(async () => {
  engine = temporaryEngine();
  program = join(engine.folder, 'worker.mjs');
  const bundle = await rolldown({
    input: join(import.meta.dirname, 'fixtures', 'stand-in-worker.ts'),
    platform: 'node',
  });
  await bundle.write({ file: program, format: 'esm' });
  await bundle.close();
});

afterEach(() => engine.remove());

const order = (
  build: string,
  more: { slots?: number; address?: string; behaviour?: string; say?: (line: string) => void } = {},
) => {
  const { slots = null, address = ADDRESS, behaviour = 'willing', say } = more;
  const command = [process.execPath, program, build, address, behaviour] as const;
  return {
    address,
    namespace: 'default',
    taskQueue: 'metalab-a',
    slots,
    build,
    env: engine.env,
    program: command,
    ...(say ? { say } : {}),
  };
};

describe('a background worker', { timeout: 90_000 }, () => {
  test('is started once, however many ask for it', async () => {
    const all = await Promise.all([1, 2, 3].map(() => ensureWorker(order('a'))));
    expect(new Set(all.map(({ worker }) => worker.pid)).size).toBe(1);
    expect(all.filter(({ started }) => started)).toHaveLength(1);
    expect(engineStatus(engine.env).workers).toMatchObject([
      { build: 'a', background: true, slots: 2, address: ADDRESS },
    ]);
  });

  test('of another build is drained and replaced, and that is said', async () => {
    const said: string[] = [];
    const first = await ensureWorker(order('a'));
    const second = await ensureWorker(order('b', { say: said.push.bind(said) }));
    expect(second.replaced.map(({ pid }) => pid)).toEqual([first.worker.pid]);
    expect(processStart(first.worker.pid)).toBeUndefined();
    expect(said[0]).toContain(`pid ${first.worker.pid}), which is of another build`);
    expect(engineStatus(engine.env).workers.map(({ build }) => build)).toEqual(['b']);
  });

  test('with fewer slots than are asked for is replaced, with more is kept', async () => {
    const first = await ensureWorker(order('a', { slots: 3 }));
    expect((await ensureWorker(order('a', { slots: 2 }))).worker.pid).toBe(first.worker.pid);
    const larger = await ensureWorker(order('a', { slots: 5 }));
    expect(larger.replaced).toHaveLength(1);
    expect(larger.worker.slots).toBe(5);
  });

  test('of another server is no concern of this one', async () => {
    await ensureWorker(order('a'));
    const other = await ensureWorker(order('b', { address: '127.0.0.1:2' }));
    expect(other.replaced).toEqual([]);
    expect(engineStatus(engine.env).workers).toHaveLength(2);
  });

  test('that was killed is started again', async () => {
    const first = await ensureWorker(order('a'));
    await kill(first.worker.pid);
    const second = await ensureWorker(order('a'));
    expect(second).toMatchObject({ started: true, replaced: [] });
  });

  test('that ends while it starts is reported with the end of its log', async () => {
    await expect(ensureWorker(order('a', { behaviour: 'broken' }))).rejects.toThrow(
      /ended while starting; the end of its log:\n\s+the namespace is not there/,
    );
    expect(engineStatus(engine.env).workers).toEqual([]);
  });

  test('that will not end is killed after its grace', async () => {
    const { worker } = await ensureWorker(order('a', { behaviour: 'stubborn' }));
    expect(await stopEngine({ env: engine.env })).toEqual({
      workers: [{ pid: worker.pid, how: 'killed' }],
      server: null,
      foreground: [],
    });
    expect(processStart(worker.pid)).toBeUndefined();
  });
});

test('a worker in a terminal counts where it is of this build, and is never stopped', async () => {
  const foreground = spawn(process.execPath, [program, 'a', ADDRESS, 'willing'], { env: { ...engine.env } });
  try {
    while (engineStatus(engine.env).workers.length === 0) await sleep(10);
    expect((await ensureWorker(order('a'))).worker.pid).toBe(foreground.pid);
    const other = await ensureWorker(order('b'));
    expect(other).toMatchObject({ started: true, replaced: [] });
    expect(await stopEngine({ env: engine.env })).toMatchObject({
      workers: [{ pid: other.worker.pid, how: 'ended' }],
      foreground: [foreground.pid],
    });
    expect(processStart(foreground.pid!)).toBeDefined();
  } finally {
    foreground.kill('SIGKILL');
  }
});
