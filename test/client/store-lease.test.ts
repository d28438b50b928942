import { cpSync, existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Lease } from '../../src/storage/lease.js';
import { useOwnEngine } from '../support/engine.js';
import { metalab, resultsJson, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';
import { until } from '../support/until.js';

// Two engines, each with a server of its own, also where all other tests share one.
const laptop = { ...useOwnEngine(), TEMPORAL_ADDRESS: '' };
const cluster = { ...useOwnEngine(), TEMPORAL_ADDRESS: '' };

/** Runs take 200 ms, and from the fifth on, do not end before there is a file `go`. */
const SLOW = (runs: number) => `
  import { existsSync } from 'node:fs';
  import { experiment, grid, operation, seeds } from 'metalab';
  export const slow = operation(async ({ params, capture }) => {
    for (let waits = 0; waits < 500; waits++) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      if (params.x < 4 || existsSync('go')) break;
    }
    capture.metric('y', 2 * params.x);
  });
  export default experiment({
    name: 'slow', version: '1', operation: slow,
    params: grid({ x: Array.from({ length: ${runs} }, (_, i) => i) }), seeds: seeds({ base: 1 }),
  });`;

let project: Project;
beforeEach(async () => {
  project = await projectWith({ 'slow.mjs': SLOW(12) });
});

const leaseOf = (store: string): Lease | undefined =>
  existsSync(join(store, 'lease.json'))
    ? (JSON.parse(readFileSync(join(store, 'lease.json'), 'utf8')) as Lease)
    : undefined;
const statusOf = async (env: NodeJS.ProcessEnv) => {
  const { stdout } = await metalab(['status', 'slow', '--json', '--store', project.store], { env });
  return JSON.parse(stdout) as { state: string; reason: string | null; success: number };
};
const submit = (env: NodeJS.ProcessEnv, ...args: string[]) =>
  metalab(['submit', 'slow.mjs', ...args], { cwd: project.folder, env });

describe('two engines on one store', () => {
  it('the second is refused, naming the first; it may submit as soon as that one is done', async () => {
    expect((await submit(laptop, '--detach')).code).toBe(0);
    await until(() => leaseOf(project.store)?.worker != null);
    const holder = leaseOf(project.store)!;
    const refused = await submit(cluster, '--detach');
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain(
      `the store is in use by the engine with Temporal at ${holder.address}, namespace default, on ${holder.host}; `,
    );
    const [, renewed] = /its lease was last renewed at (\S+)/.exec(refused.stderr)!;
    expect(Date.parse(renewed!)).toBeGreaterThanOrEqual(Date.parse(holder.renewed_at));
    expect(Date.parse(renewed!)).toBeLessThanOrEqual(Date.now());
    expect(refused.stderr).toContain('--take-over');
    // It has left nothing in the store, may read it, and is told who works on it.
    expect((await statusOf(laptop)).state).toBe('running');
    expect(await statusOf(cluster)).toMatchObject({
      state: 'elsewhere',
      reason: expect.stringContaining(holder.address),
    });
    const repair = await metalab(['store', 'check', '--repair', '--store', project.store], { env: cluster });
    expect(repair).toMatchObject({ code: 3, stderr: expect.stringContaining('the store is in use by') });

    writeFileSync(project.path('go'), '');
    await until(async () => (await statusOf(laptop)).state === 'completed');
    expect(leaseOf(project.store)).toBeUndefined();
    const second = await submitJson(['slow.mjs'], { cwd: project.folder, env: cluster });
    expect(second).toMatchObject({ code: 0, outcome: { reused: 12, executed: 0 } });
  }, 360_000);

  it("after --take-over the first engine's sweep waits, says so in its status, and continues by itself afterwards", async () => {
    await submit(laptop, '--detach');
    await until(() => recorded() === 4);
    expect((await submit(cluster, '--detach', '--take-over')).code).toBe(0);
    await until(() => leaseOf(project.store)?.worker != null);
    const { address } = leaseOf(project.store)!;
    // Runs in progress are not ended, and are recorded.
    setTimeout(() => writeFileSync(project.path('go'), ''), 1_000).unref();
    await until(async () => (await statusOf(cluster)).state === 'completed');
    const records = await resultsJson('slow:1', project.store);
    expect(records).toHaveLength(12);
    expect(records.every(({ status }) => status === 'success')).toBe(true);
    expect(address).not.toBe('');
    await until(() => leaseOf(project.store) === undefined && outcomes() === 2);
  }, 360_000);

  it('the status of the sweep that lost its store shows why it waits', async () => {
    await submit(laptop, '--detach');
    await until(() => recorded() === 4);
    // What holds the store is none of the two: as after a take-over by a third engine.
    const other = { ...leaseOf(project.store)!, engine: 'another', address: 'far.example:7233', host: 'far' };
    writeFileSync(join(project.store, 'lease.json'), JSON.stringify(other));
    writeFileSync(project.path('go'), '');
    await until(async () => (await statusOf(laptop)).state === 'waiting');
    expect((await statusOf(laptop)).reason).toContain(
      'in use by the engine with Temporal at far.example:7233',
    );
    rmSync(join(project.store, 'lease.json'));
    await until(async () => (await statusOf(laptop)).state === 'completed');
    expect(await resultsJson('slow:1', project.store)).toHaveLength(12);
  }, 360_000);

  it('a copy of a store that was in use works once the lease in it has expired', async () => {
    await submit(laptop, '--detach');
    await until(() => recorded() === 4);
    const copy = project.path('copy');
    // Not what may be gone before it is copied.
    const filter = (path: string) => basename(path) !== 'live' && !path.endsWith('.tmp');
    cpSync(project.store, copy, { recursive: true, preserveTimestamps: true, filter });
    const refused = await submit(cluster, '--detach', '--store', copy);
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('the store is in use by') });
    writeFileSync(project.path('go'), '');
    const old = new Date(Date.now() - 3_600_000);
    utimesSync(join(copy, 'lease.json'), old, old);
    const { code, outcome } = await submitJson(['slow.mjs', '--store', copy], {
      cwd: project.folder,
      env: cluster,
    });
    expect(code).toBe(0);
    expect(outcome).toMatchObject({ reused: 4, executed: 8, success: 12 });
    await until(async () => (await statusOf(laptop)).state === 'completed');
  }, 360_000);
});

function outcomes(): number {
  const folder = join(project.store, 'slow@1', 'submissions');
  return readdirSync(folder).filter((id) => existsSync(join(folder, id, 'outcome.json'))).length;
}

function recorded(): number {
  const folder = join(project.store, 'slow@1', 'segments');
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  const texts = files
    .filter((name) => name.endsWith('.ndjson'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
  return texts.join('').split('\n').length - 1;
}
