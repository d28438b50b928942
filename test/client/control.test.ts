import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { RunInProgress } from '../../src/client/status/runs-in-progress.js';
import type { RunRecord, SubmissionOutcome, SweepEvent, SweepStatus } from '../../src/index.js';
import { engineStatus, killEngine, serverAddress } from '../support/engine-status.js';
import { metalab, startMetalab, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';
import { recordsIn } from '../support/records.js';
import { apart } from '../support/test-server.js';
import { runForLines, scriptsWith } from './script.js';

const home = mkdtempSync(join(tmpdir(), 'metalab-control-'));
const env = await apart(home);

afterAll(async () => {
  await metalab(['engine', 'stop'], { env });
  rmSync(home, { recursive: true, force: true });
});

/**
 * Notes every execution; a run takes `ms`, and ends when it is aborted unless it is `deaf`. One that is
 * `held` waits for the file `go` first.
 */
const sweep = (axes: string) => ({
  'sweep.mjs': `
    import { appendFileSync, existsSync } from 'node:fs';
    import { experiment, grid, operation, seeds } from 'metalab';
    export const work = operation(async ({ params, capture, runtime }) => {
      appendFileSync('executions', params.x + '\\n');
      while (params.held && !existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 20));
      await new Promise((resolve, reject) => {
        setTimeout(resolve, params.ms);
        if (!params.deaf) runtime.signal.addEventListener('abort', () => {
          appendFileSync('aborted', params.x + '\\n');
          reject(runtime.signal.reason);
        });
      });
      if (params.deaf) for (const end = Date.now() + params.ms; Date.now() < end; );
      if (params.x < 0 && process.env.METALAB_TEST_FAILS !== 'no') throw new Error('negative');
      capture.metric('y', 2 * params.x);
    });
    export default experiment({
      name: 'sweep', version: '1', operation: work, seeds: seeds({ base: 1 }),
      params: grid({ deaf: [false], ${axes} }),
    });`,
});
const upTo = (count: number) => `x: Array.from({ length: ${count} }, (_, x) => x)`;

const lines = (project: Project, name: string) =>
  existsSync(project.path(name)) ? readFileSync(project.path(name), 'utf8').trim().split('\n') : [];
const executed = (project: Project, atLeast: number) =>
  vi.waitFor(() => expect(lines(project, 'executions').length).toBeGreaterThanOrEqual(atLeast), {
    timeout: 120_000,
    interval: 20,
  });
const run = (project: Project, ...args: readonly string[]) => metalab(args, { cwd: project.folder, env });
async function json<T>(project: Project, ...args: readonly string[]): Promise<T> {
  const { stdout, stderr } = await run(project, ...args, '--json');
  if (!stdout) throw new Error(`metalab ${args.join(' ')}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

/** The workflow ends a moment after the outcome is there. */
const nothingToDo = (project: Project, command: string) =>
  vi.waitFor(
    async () =>
      expect((await run(project, command, 'sweep')).stderr).toContain('nothing of sweep:1 is in progress'),
    { timeout: 20_000, interval: 500 },
  );

describe('pause', () => {
  it('lets runs in progress end and starts no others until resume, also after server and workers were killed', async () => {
    const RUNS = 80;
    // The second half is held, so that the sweep is still in progress however late the pause comes.
    const project = await projectWith(sweep(`held: [false, true], ms: [250], ${upTo(RUNS / 2)}`));
    await run(project, 'submit', 'sweep.mjs', '--slots', '2', '--detach');
    await executed(project, 4);
    expect(await run(project, 'pause', 'sweep', '--reason', 'the machine is needed')).toMatchObject({
      code: 0,
    });
    await project.write({ go: '' });
    await vi.waitFor(
      async () =>
        expect(await json<SweepStatus>(project, 'status', 'sweep')).toMatchObject({
          state: 'paused',
          running: 0,
        }),
      { timeout: 30_000, interval: 500 },
    );

    const attached = await run(project, 'attach', 'sweep');
    expect(attached).toMatchObject({ code: 3 });
    const who = `paused by ${userInfo().username}@${hostname()}, `;
    expect(attached.stderr).toContain(who);
    expect(attached.stderr).toMatch(
      / ago \([-\d]+ [\d:]+\): the machine is needed\n.*metalab resume sweep:1/,
    );
    for (const command of ['status', 'watch'])
      expect((await run(project, command)).stderr).toContain(`sweep:1: ${who}`);
    const paused = await json<SweepStatus>(project, 'status', 'sweep');
    expect(paused).toMatchObject({ state: 'paused', reason: 'the machine is needed', running: 0, failed: 0 });
    expect(paused.pending).toBeGreaterThan(0);
    const before = lines(project, 'executions').length;
    expect(before).toBe(paused.success);

    await killEngine(env);
    await run(project, 'engine', 'start');
    // Joins it: neither this nor the restart makes it go on.
    const joined = await run(project, 'submit', 'sweep.mjs');
    expect(joined.stderr).toContain(who);
    expect(joined.stderr).toContain('): the machine is needed');
    expect(lines(project, 'executions')).toHaveLength(before);

    const twice = await run(project, 'pause', 'sweep');
    expect(twice).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('refused: it is paused already'),
    });
    expect(await run(project, 'resume', 'sweep')).toMatchObject({ code: 0 });
    expect(await json<SubmissionOutcome>(project, 'attach', 'sweep')).toMatchObject({
      success: RUNS,
      executed: RUNS,
    });
    expect(lines(project, 'executions')).toHaveLength(RUNS);
    await nothingToDo(project, 'resume');
  }, 720_000);
});

describe('cancel', () => {
  it('reaches operations by their AbortSignal, ends those that do not listen, and what is left can be submitted again', async () => {
    const project = await projectWith(sweep(`ms: [60_000], x: [0, 1, 2, 3]`));
    const deaf = (value: string) =>
      project.write({
        'sweep.mjs': sweep(`ms: [60_000], x: [0, 1, 2, 3]`)['sweep.mjs'].replace('!params.deaf', value),
      });
    await deaf('params.x !== 1');
    const submit = startMetalab(['submit', 'sweep.mjs', '--slots', '2', '--json'], {
      cwd: project.folder,
      env,
    });
    await executed(project, 2);
    const cancelled = await run(project, 'cancel', 'sweep', '--reason', 'wrong range');
    expect(cancelled).toMatchObject({ code: 0, stdout: expect.stringContaining('2 cancelled, 2 not done') });
    expect((await submit.finished).code).toBe(1);
    expect(lines(project, 'aborted')).toEqual(['0']);
    expect(await json(project, 'status', 'sweep')).toMatchObject({
      state: 'cancelled',
      reason: 'wrong range',
      success: 0,
      cancelled: 2,
      pending: 2,
    });
    const records = await json<RunRecord[]>(project, 'results', 'sweep');
    expect(records.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
    await nothingToDo(project, 'cancel');

    await project.write(sweep('ms: [60_000], x: [0, 1, 2, 3]'));
    const again = startMetalab(['submit', 'sweep.mjs', '--slots', '4', '--json'], {
      cwd: project.folder,
      env,
    });
    await executed(project, 6);
    await run(project, 'cancel', 'sweep');
    const second = JSON.parse((await again.finished).stdout) as SubmissionOutcome;
    expect(second).toMatchObject({ total: 4, reused: 0, cancelled: 4 });
  }, 360_000);

  it('of a queued submission leaves the running one alone', async () => {
    const project = await scriptsWith({
      // The first does not end before the other is cancelled.
      ...sweep(`held: [true], ms: [1], ${upTo(20)}`),
      'main.mjs': `
        import { writeFileSync } from 'node:fs';
        import { connect, experiment, grid, seeds } from 'metalab';
        import first, { work } from './sweep.mjs';
        // The workflow ends a moment after the outcome is there.
        async function notRunning(handle) {
          for (;;) {
            const code = await handle.resume().catch((error) => error.code);
            if (code !== 'METALAB_REFUSED') return code;
          }
        }
        const lab = await connect();
        const over = (x) => experiment({
          name: 'sweep', version: '1', operation: work, seeds: seeds({ base: 1 }), params: grid({ deaf: [false], ms: [200], x }),
        });
        const options = { store: 'experiments' };
        await (await lab.submit(over([1, 2]), options)).outcome();
        const second = over([1, 2, 3]);
        const handles = [await lab.submit(first, options), await lab.submit(second, options)];
        await handles[1].cancel({ reason: 'not needed' });
        const refused = await handles[1].cancel().catch((error) => error.code);
        writeFileSync('go', '');
        console.log(JSON.stringify(await Promise.all(handles.map((handle) => handle.outcome()))));
        console.log(JSON.stringify([refused, await notRunning(handles[0])]));
        await lab.close();`,
    });
    const [outcomes, codes] = await runForLines<unknown>(project, 'main.mjs');
    expect(outcomes).toMatchObject([
      { state: 'completed', success: 20 },
      // Two of them are in the store, and the next submit reuses them.
      { state: 'cancelled', reason: 'not needed', total: 3, success: 2, missing: 1 },
    ]);
    expect(codes).toEqual(['METALAB_REFUSED', 'METALAB_NOT_RUNNING']);
  });
});

describe('retry', () => {
  it('executes failed or named runs again without the experiment file, each as a new generation', async () => {
    const project = await projectWith(sweep('ms: [1], x: [-2, -1, 0, 1, 2]'));
    expect((await submitJson(['sweep.mjs'], { cwd: project.folder, env })).outcome).toMatchObject({
      failed: 2,
    });
    rmSync(project.path('sweep.mjs'));

    expect(await json(project, 'retry', 'sweep', '--failed')).toMatchObject({
      executed: 2,
      reused: 3,
      failed: 2,
    });
    expect(await json(project, 'retry', 'sweep')).toMatchObject({ executed: 2, reused: 3 });
    const records = await json<RunRecord[]>(project, 'results', 'sweep');
    const good = records.find(({ status }) => status === 'success')!;
    expect(await json(project, 'retry', 'sweep', '--run', good.run_id.slice(0, 8))).toMatchObject({
      executed: 1,
      reused: 4,
      success: 3,
      failed: 2,
    });
    const after = await json<RunRecord[]>(project, 'results', 'sweep');
    expect(after.map(({ generation }) => generation).sort()).toEqual([0, 0, 1, 2, 2]);
    expect(after.find(({ run_id }) => run_id === good.run_id)).toMatchObject({
      generation: 1,
      metrics: good.metrics,
    });

    const wrong = await run(
      project,
      'retry',
      'sweep',
      '--run',
      'xyz',
      '--run',
      'ffffffff',
      '--run',
      good.run_id,
    );
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain("run 'xyz': it is not a prefix of a run_id");
    expect(wrong.stderr).toContain("run 'ffffffff': sweep:1 has no such run");
    expect((await run(project, 'retry', 'nothing')).code).toBe(2);
  }, 360_000);
});

describe('what runs', () => {
  it('is followed, watched and controlled from another machine that reaches the same server and store', async () => {
    const RUNS = 60;
    const project = await projectWith(sweep(`held: [true], ms: [100], ${upTo(RUNS)}`));
    await run(project, 'submit', 'sweep.mjs', '--slots', '2', '--detach');
    await executed(project, 2);
    const address = await serverAddress(env);
    const elsewhere = { ...env, METALAB_HOME: project.path('elsewhere'), TEMPORAL_ADDRESS: address };
    const withKey = { ...elsewhere, METALAB_KEY_FILE: join(home, 'key') };
    const there = (...args: readonly string[]) =>
      metalab(args, { cwd: tmpdir(), env: { ...withKey, METALAB_STORE: project.store } });

    const options = { cwd: tmpdir(), env: { ...elsewhere, METALAB_STORE: project.store } };
    const withoutKey = await metalab(['pause', 'sweep'], options);
    expect(withoutKey.stderr).toContain('METALAB_KEY_FILE');
    expect(withoutKey.code).toBe(1);

    // Who only looks needs no key.
    const [watched] = JSON.parse((await metalab(['watch', '--json'], options)).stdout) as SweepStatus[];
    expect(watched).toMatchObject({ experiment_id: 'sweep:1', total: RUNS, failed: 0, queued: 0 });
    expect((await there('watch')).stdout).toMatch(/sweep:1 +running +60/);
    expect((await there('pause', 'sweep')).code).toBe(0);
    writeFileSync(project.path('go'), '');
    expect((await there('attach', 'sweep')).code).toBe(3);
    expect((await there('resume', 'sweep')).code).toBe(0);
    const attached = await there('attach', 'sweep', '--json');
    expect(JSON.parse(attached.stdout.trim().split('\n').at(-1)!)).toMatchObject({ success: RUNS });
    // What it lists follows a moment after the outcome.
    await vi.waitFor(async () => expect((await there('watch')).stdout).not.toContain('sweep:1 '), {
      timeout: 20_000,
      interval: 500,
    });
    // Looking and controlling starts no worker there: it may not even have the operation's data.
    expect((await engineStatus(withKey)).workers).toEqual([]);
  }, 360_000);

  it('emits events of each kind, run_started only for long runs', async () => {
    const project = await scriptsWith({
      ...sweep('ms: [10], x: [-1, 0, 1]'),
      'main.mjs': `
        import { connect, experiment, grid, seeds } from 'metalab';
        import { work } from './sweep.mjs';
        const make = (ms) => experiment({ name: 'sweep', version: '1', operation: work, seeds: seeds({ base: 1 }),
          params: grid({ deaf: [false], ms, x: [-1, 0] }) });
        const lab = await connect();
        await (await lab.submit(make([10]), { store: 'experiments' })).outcome();
        const handle = await lab.submit(make([10, 5000]), { store: 'experiments' });
        for await (const event of handle.events()) console.log(JSON.stringify(event));
        await lab.close();`,
    });
    const events = await runForLines<SweepEvent>(project, 'main.mjs');
    const of = <T extends SweepEvent['type']>(type: T) =>
      events.filter((event): event is Extract<SweepEvent, { type: T }> => event.type === type);
    expect(of('run_skipped')).toEqual([{ type: 'run_skipped', count: 1 }]);
    const started = of('run_started').map(({ run }) => run.run_id);
    expect(started).toHaveLength(2);
    const finished = of('run_finished').map(({ record }) => record);
    const failed = of('run_failed').map(({ record }) => record);
    expect(finished).toHaveLength(1);
    expect(failed).toHaveLength(2);
    const long = [...finished, ...failed].filter(({ duration_ms }) => duration_ms > 1000);
    expect(long.map(({ run_id }) => run_id).sort()).toEqual([...started].sort());
    const place = (type: SweepEvent['type']) => events.findIndex((event) => event.type === type);
    expect(place('run_started')).toBeLessThan(place('run_finished'));
    expect(of('progress').at(-1)!.status).toEqual({ total: 4, success: 2, failed: 2, cancelled: 0 });
  });
});

describe('status of an experiment', () => {
  it('tells which runs are in progress, by ids that their records have afterwards', async () => {
    const project = await projectWith(sweep(`for: ['rats'], held: [true], ms: [1], x: [7, 8]`));
    await run(project, 'submit', 'sweep.mjs', '--slots', '2', '--detach');
    await executed(project, 2);
    const status = () => json<{ readonly in_progress: readonly RunInProgress[] }>(project, 'status', 'sweep');
    await vi.waitFor(async () => expect((await status()).in_progress).toHaveLength(2), {
      timeout: 120_000,
      interval: 500,
    });
    const { in_progress } = await status();
    const { stdout } = await run(project, 'status', 'sweep');
    expect(stdout).toMatch(/^in progress +for .* params\.for +held +ms +x$/m);
    for (const { run_id, params } of in_progress)
      expect(stdout).toMatch(new RegExp(`^${run_id.slice(0, 12)} .* ${params.x}$`, 'm'));
    writeFileSync(project.path('go'), '');
    await run(project, 'attach', 'sweep');
    const records = recordsIn(project.store, 'sweep:1');
    expect(records.map(({ run_id, params }) => [run_id, params.x]).sort()).toEqual(
      in_progress.map(({ run_id, params }) => [run_id, params.x]).sort(),
    );
  }, 360_000);
});
