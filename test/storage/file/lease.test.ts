import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { StoreLease } from '../../../src/storage/file/lease.js';
import type { LeaseHolder } from '../../../src/storage/lease.js';
import { temporaryFolder } from './temporary-store.js';

const engine = (name: string, worker: string | null = `${name}-1`): LeaseHolder => ({
  engine: `id-of-${name}`,
  address: '127.0.0.1:7233',
  namespace: 'default',
  host: name,
  worker,
});

const path = (root: string) => join(root, 'lease.json');
const holderOf = (root: string) => (JSON.parse(readFileSync(path(root), 'utf8')) as LeaseHolder).host;
function renewedAgo(root: string, seconds: number): void {
  const at = Date.now() / 1000 - seconds;
  utimesSync(path(root), at, at);
}

describe("a store's lease", () => {
  it('is refused to another engine at the same address, naming the holder and what to do', async () => {
    const root = temporaryFolder();
    await new StoreLease(root).take(engine('laptop'));
    await expect(new StoreLease(root).take(engine('cluster'))).rejects.toMatchObject({
      code: 'METALAB_STORE_HELD',
      where: root,
      message: expect.stringMatching(
        /Temporal at 127\.0\.0\.1:7233, namespace default, on laptop; its lease was last renewed at 20[\s\S]*--take-over/,
      ),
    });
    expect(holderOf(root)).toBe('laptop');
  });

  it('is the same for every worker and client of one engine', async () => {
    const root = temporaryFolder();
    for (const worker of [null, 'laptop-1', 'laptop-2', null])
      await new StoreLease(root).take(engine('laptop', worker));
    expect(holderOf(root)).toBe('laptop');
  });

  it('goes by address and namespace where a server does not tell the id of its namespace', async () => {
    const root = temporaryFolder();
    await new StoreLease(root).take({ ...engine('a'), engine: null });
    await new StoreLease(root).take(engine('b'));
    await expect(
      new StoreLease(root).take({ ...engine('c'), engine: null, namespace: 'other' }),
    ).rejects.toMatchObject({ code: 'METALAB_STORE_HELD' });
  });

  it('is released by the last worker that renewed it, and by no other', async () => {
    const root = temporaryFolder();
    const lease = new StoreLease(root);
    await lease.take(engine('laptop', 'laptop-1'));
    await lease.take(engine('laptop', 'laptop-2'));
    await lease.release(engine('laptop', 'laptop-1'));
    await lease.release(engine('cluster'));
    expect(await lease.read()).toMatchObject({ worker: 'laptop-2' });
    await lease.release(engine('laptop', 'laptop-2'));
    expect(await lease.read()).toBeUndefined();
    await lease.take(engine('cluster'));
  });

  it('counts as expired at once if it was not renewed for long, as after a crash or in a copy', async () => {
    const root = temporaryFolder();
    await new StoreLease(root).take(engine('laptop'));
    renewedAgo(root, 3600);
    await new StoreLease(root).take(engine('cluster'));
    expect(holderOf(root)).toBe('cluster');
  });

  it.each([
    ['some minutes old', 180],
    ['from the future', -300],
  ])(
    'is watched where it is %s, since clocks differ: one that is still renewed is refused',
    async (_, age) => {
      const root = temporaryFolder();
      const laptop = new StoreLease(root);
      await laptop.take(engine('laptop'));
      renewedAgo(root, age);
      await expect(new StoreLease(root).take(engine('cluster'))).rejects.toMatchObject({
        code: 'METALAB_STORE_HELD',
      });
      const taking = new StoreLease(root).take(engine('cluster'), { wait: true });
      taking.catch(() => {});
      await sleep(1_500);
      await laptop.take(engine('laptop'));
      await expect(taking).rejects.toMatchObject({ code: 'METALAB_STORE_HELD' });
    },
  );

  it('is taken once it was watched for longer than a renewal takes', async () => {
    const root = temporaryFolder();
    await new StoreLease(root).take(engine('laptop'));
    renewedAgo(root, 120);
    const began = performance.now();
    await new StoreLease(root).take(engine('cluster'), { wait: true });
    expect(performance.now() - began).toBeGreaterThan(15_000);
    expect(holderOf(root)).toBe('cluster');
  });

  it('goes to exactly one of many engines that take an expired one at the same instant', async () => {
    for (let round = 0; round < 20; round++) {
      const root = temporaryFolder('metalab-lease-');
      await new StoreLease(root).take(engine('laptop'));
      renewedAgo(root, 3600);
      const names = Array.from({ length: 12 }, (_, index) => `engine${index}`);
      const taken = await Promise.allSettled(names.map((name) => new StoreLease(root).take(engine(name))));
      const winners = names.filter((_, index) => taken[index]?.status === 'fulfilled');
      expect(winners).toEqual([holderOf(root)]);
      expect(readdirSync(root)).toEqual(['lease.json']);
    }
  });

  it('can be taken over from whoever has it, also where it is torn', async () => {
    const root = temporaryFolder();
    const lease = new StoreLease(root);
    await lease.take(engine('laptop'));
    await lease.take(engine('cluster'), { takeOver: true });
    await expect(new StoreLease(root).take(engine('laptop'))).rejects.toThrow('on cluster');
    writeFileSync(path(root), '{"engine":');
    await expect(lease.take(engine('laptop'))).rejects.toThrow('whose lease cannot be read');
    await lease.take(engine('laptop'), { takeOver: true });
    expect(holderOf(root)).toBe('laptop');
  });

  it('is not taken again by a renewal that is in progress when the work ends', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const lease = new StoreLease(temporaryFolder());
    const take = lease.take.bind(lease);
    let goOn = () => {};
    let renewal: Promise<void> | undefined;
    const working = lease.during('metalab store check', async () => {
      vi.spyOn(lease, 'take').mockImplementation((holder) => {
        renewal = new Promise<void>((resolve) => (goOn = resolve)).then(() => take(holder));
        return renewal;
      });
      vi.advanceTimersByTime(15_000);
    });
    // What ends meanwhile has time to end.
    await sleep(100);
    goOn();
    await Promise.all([working, renewal]);
    expect(await lease.read()).toBeUndefined();
  });
});
