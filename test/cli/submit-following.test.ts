import { existsSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { experimentText } from '../support/experiment-text.js';
import { metalab, resultsJson, startMetalab, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';
import { until } from '../support/until.js';

let project: Project;

/** Runs wait until the test writes the file `go`: nothing depends on how quick this machine is. */
const HELD = `const { existsSync, appendFileSync } = await import('node:fs');
  appendFileSync('begun', params.x + '\\n');
  // A test that fails takes its folder away: the shared worker's slots are free again.
  while (!existsSync('go') && existsSync('experiment.ts')) await new Promise((done) => setTimeout(done, 20));
  capture.metric('y', params.x);`;

beforeEach(async () => {
  project = await projectWith({ 'experiment.ts': experimentText({ body: HELD }) });
});

const here = () => ({ cwd: project.folder });
const submit = (...args: string[]) => submitJson(['experiment.ts', ...args], here());
const go = () => project.write({ go: '' });

interface Status {
  readonly state: string;
  readonly total: number;
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly running: number;
  readonly pending: number;
  readonly queued: number;
}

async function status(): Promise<Status> {
  const { stdout } = await metalab(['status', 'e', '--json'], here());
  const found = JSON.parse(stdout) as Status;
  const { total, success, failed, cancelled, running, pending } = found;
  expect(success + failed + cancelled + running + pending).toBe(total);
  expect(Math.min(success, failed, cancelled, running, pending)).toBeGreaterThanOrEqual(0);
  return found;
}

async function statusUntil(fits: (status: Status) => boolean): Promise<Status> {
  for (;;) {
    const found = await status();
    if (fits(found)) return found;
    await sleep(100);
  }
}

test('Ctrl-C while the submission is put into its queue detaches from the sweep, and says so', async () => {
  await metalab(['engine', 'start']);
  const submitting = startMetalab(['submit', 'experiment.ts'], here());
  await until(() => existsSync(project.path('experiments/e@1/submissions')));
  submitting.kill('SIGINT');
  const { code, stderr } = await submitting.finished;
  expect(stderr).toContain('detached: the runs of e:1 continue');
  expect(code).toBe(130);
  await go();
  expect(await statusUntil(({ state }) => state === 'completed')).toMatchObject({ success: 3 });
});

test('so does Ctrl-C of a retry', async () => {
  await metalab(['submit', 'experiment.ts', '--detach'], here());
  await metalab(['cancel', 'e'], here());
  const submissions = () => readdirSync(project.path('experiments/e@1/submissions')).length;
  const before = submissions();
  const retrying = startMetalab(['retry', 'e'], here());
  await until(() => submissions() > before);
  retrying.kill('SIGINT');
  const { code, stderr } = await retrying.finished;
  expect(stderr).toContain('detached: the runs of e:1 continue');
  expect(code).toBe(130);
  await go();
  expect(await statusUntil(({ state }) => state === 'completed')).toMatchObject({ success: 3 });
});

test('with --detach submit returns at once, and status shows the progress until the sweep is done', async () => {
  const detached = await metalab(['submit', 'experiment.ts', '--detach', '--json'], here());
  expect(detached.code).toBe(0);
  expect(JSON.parse(detached.stdout)).toEqual({
    experiment: 'e:1',
    workflow_id: expect.stringMatching(/^metalab\/[0-9a-f]{16}\/e:1$/),
    submission: expect.any(String),
    store: expect.stringMatching(/^file:/),
    environment: 'local',
  });
  const running = await statusUntil(({ running }) => running > 0);
  expect(running).toMatchObject({ state: 'running', total: 3, success: 0 });
  await go();
  expect(await statusUntil(({ state }) => state === 'completed')).toMatchObject({
    success: 3,
    pending: 0,
    running: 0,
  });
});

test('Ctrl-C detaches with 130, the runs go on, and a later submit joins them', async () => {
  const followed = startMetalab(['submit', 'experiment.ts'], here());
  await untilItSays(followed, /^e:1: 0\/3 runs/m);
  followed.kill('SIGINT');
  const { code, stderr, stdout } = await followed.finished;
  expect(stderr).toMatch(/detached: the runs of e:1 continue\n.*metalab attach e:1 .*metalab cancel e:1 /);
  expect(stdout).toBe('');
  expect(code).toBe(130);
  expect(await status()).toMatchObject({ state: 'running', success: 0 });

  const joining = startMetalab(['submit', 'experiment.ts', '--json'], here());
  await untilItSays(joining, /joined submission/);
  await go();
  const joined = await joining.finished;
  expect(joined.code).toBe(0);
  expect(JSON.parse(joined.stdout)).toMatchObject({ executed: 3, success: 3 });
  expect((await submit()).outcome).toMatchObject({ executed: 0, reused: 3 });
});

test('a submit that joins a submission with another environment or configuration says so, and what to do', async () => {
  const environments = (slots: number) => `[environments.here]
type = "local"
[environments.there]
type = "local"
executor.slots = ${slots}
`;
  await project.write({ '.metalab.toml': environments(1) });
  const join = async (environment: string) => {
    const { stderr } = await metalab(['submit', 'experiment.ts', '--detach', '--env', environment], here());
    expect(stderr).toContain('joined submission');
    return stderr;
  };
  await metalab(['submit', 'experiment.ts', '--detach', '--env', 'there'], here());
  expect(await join('here')).toMatch(
    /it runs on 'there', not on 'here'\n.*: metalab cancel e:1 --env here, then submit again/,
  );
  expect(await join('there')).not.toContain('it runs on');

  await project.write({ '.metalab.toml': environments(2) });
  expect(await join('there')).toMatch(/it runs on 'there' as configured when it was submitted/);
  await go();
  await statusUntil(({ state }) => state === 'completed');
});

test('two submits of the same definition at the same time share one submission', async () => {
  const both = [startMetalab(['submit', 'experiment.ts', '--json'], here())];
  both.push(startMetalab(['submit', 'experiment.ts', '--json'], here()));
  await Promise.race(both.map((one) => untilItSays(one, /joined submission/)));
  await go();
  const outcomes = await Promise.all(both.map(async ({ finished }) => JSON.parse((await finished).stdout)));
  expect(outcomes[0]).toEqual(outcomes[1]);
  expect(outcomes[0]).toMatchObject({ executed: 3, success: 3 });
  expect(await resultsJson('e:1', project.store)).toHaveLength(3);
});

test('a changed definition is queued behind the running one, and executes only what that leaves', async () => {
  const first = startMetalab(['submit', 'experiment.ts', '--json'], here());
  await statusUntilStarted();
  const wider = experimentText({ body: HELD, properties: 'params: grid({ x: [1, 2, 3, 4] })' });
  await project.write({ 'experiment.ts': wider });
  const second = startMetalab(['submit', 'experiment.ts', '--json'], here());
  // Who asks sees the one that runs; who follows the other, why it does not start.
  expect(await statusUntil(({ queued }) => queued === 1)).toMatchObject({ state: 'running', total: 3 });
  expect((await metalab(['status', 'e'], here())).stderr).toContain(
    'e:1: one more submission is queued behind it',
  );
  await untilItSays(second, /^e:1: 0\/4 runs.*queued: behind \d\S+, running: 0 of 3 done, \d running$/m);
  await go();
  expect(JSON.parse((await first.finished).stdout)).toMatchObject({ total: 3, executed: 3 });
  expect(JSON.parse((await second.finished).stdout)).toMatchObject({ total: 4, executed: 1, reused: 3 });
});

test('status adds up at every moment of a sweep, and never goes backwards', async () => {
  const body = `await new Promise((done) => setTimeout(done, 40));
    if (params.x % 10 === 0) throw new Error('tenth');
    capture.metric('y', params.x);`;
  const properties = 'params: grid({ x: Array.from({ length: 60 }, (_, i) => i) })';
  await project.write({ 'experiment.ts': experimentText({ body, properties }) });
  await metalab(['submit', 'experiment.ts', '--detach'], here());
  const done: number[] = [];
  await statusUntil(({ state, success, failed, total }) => {
    expect(total).toBe(60);
    done.push(success + failed);
    return state === 'completed';
  });
  expect(done).toEqual([...done].sort((a, b) => a - b));
  expect(await status()).toMatchObject({ success: 54, failed: 6, running: 0, pending: 0 });
});

test('where stderr is no terminal, progress is a plain line now and then', async () => {
  const followed = startMetalab(['submit', 'experiment.ts'], here());
  await untilItSays(followed, /^e:1: 0\/3 runs, .*\n$/m);
  await go();
  const { stderr, stdout } = await followed.finished;
  expect(stdout).toMatch(/^✓ e:1: 3 runs: 3 success/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes and carriage returns are what is looked for.
  expect(stderr).not.toMatch(/[\u001b\r]/);
});

test('--slots does so many runs at once, more than the worker has cores, and no more', async () => {
  const wait = 'await new Promise((done) => setTimeout(done, 20));';
  const body = `const { appendFileSync, readFileSync } = await import('node:fs');
    appendFileSync('begun', '.');
    // The first five end only once there are five of them.
    do ${wait} while (readFileSync('begun').length < 5);`;
  const properties = 'params: grid({ x: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] })';
  await project.write({ 'experiment.ts': experimentText({ body, properties }) });
  expect((await submit('--slots', '5')).outcome).toMatchObject({ success: 12 });
  const runs = await resultsJson('e:1', project.store);
  const times = runs.flatMap(({ started_at, finished_at }) => [
    { at: Date.parse(String(started_at)), change: 1 },
    { at: Date.parse(String(finished_at)), change: -1 },
  ]);
  times.sort((a, b) => a.at - b.at || a.change - b.change);
  let [now, most] = [0, 0];
  for (const { change } of times) {
    now += change;
    most = Math.max(most, now);
  }
  expect(most).toBe(5);
  const slots = runs.map(({ provenance }) => (provenance as { slot: string }).slot);
  expect(new Set(slots).size).toBe(5);
});

async function statusUntilStarted(): Promise<void> {
  for (;;) {
    const { stdout, code } = await metalab(['status', 'e', '--json'], here());
    if (code === 0 && (JSON.parse(stdout) as Status).running > 0) return;
    await sleep(100);
  }
}

/** Resolves when what the program says on stderr fits. */
function untilItSays(program: ReturnType<typeof startMetalab>, text: RegExp): Promise<void> {
  return new Promise((resolve) => {
    let said = '';
    program.stderr!.on('data', (piece: string) => {
      said += piece;
      if (text.test(said)) resolve();
    });
  });
}
