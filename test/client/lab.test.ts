import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { RunRecord, SubmissionOutcome, SweepEvent, SweepStatus } from '../../src/index.js';
import { metalab, resultsJson, submitJson } from '../support/metalab.js';
import { runForLines, runScript, scriptsWith } from './script.js';

/** Runs that are `held` wait from x = 3 on for the file `go`. */
const OPERATION = `
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { operation } from 'metalab';
export const measure = operation(async ({ params, seeds, capture }) => {
  while (params.held && params.x > 2 && !existsSync('go')) await sleep(20);
  await sleep(params.ms);
  if (params.x < 0) throw new Error('x is negative');
  capture.log('x is ' + params.x);
  capture.metric('y', 2 * params.x + seeds.replicate);
  capture.artifact('point', { x: params.x });
});`;

const experiment = (x: string, more = 'ms: [0]') => `
import { experiment, grid, seeds } from 'metalab';
import { measure } from './operation.mjs';
export default experiment({
  name: 'in_code', version: '1', operation: measure, params: grid({ x: ${x}, ${more} }), seeds: seeds({ base: 1, replicates: 2 }),
});`;

test('run() submits an experiment built in code, evaluates nothing again, and its process ends by itself', async () => {
  const project = await scriptsWith({
    'operation.mjs': OPERATION,
    'main.mjs': `
      import { appendFileSync } from 'node:fs';
      import { experiment, grid, run, seeds } from 'metalab';
      import { measure } from './operation.mjs';
      appendFileSync('evaluated.txt', 'once ');
      const axes = { x: [1, 2, 3].map((x) => 10 * x), ms: [0] };
      const exp = experiment({ name: 'in_code', version: '1', operation: measure, params: grid(axes), seeds: seeds({ base: 1, replicates: 2 }) });
      console.log(JSON.stringify((await run(exp, { store: 'experiments' })).outcome));`,
  });
  const [outcome] = await runForLines<SubmissionOutcome>(project, 'main.mjs');
  expect(outcome).toMatchObject({
    experiment_id: 'in_code:1',
    state: 'completed',
    total: 6,
    executed: 6,
    success: 6,
  });
  expect(await readFile(project.path('evaluated.txt'), 'utf8')).toBe('once ');
  const records = await resultsJson('in_code', project.store);
  expect(records.map((record) => (record as unknown as RunRecord).metrics.y).sort()).toEqual([
    20, 21, 40, 41, 60, 61,
  ]);

  // The same experiment as a file: the command line finds the same runs.
  await project.write({ 'experiment.mjs': experiment('[30, 20, 10]') });
  const again = await submitJson([project.path('experiment.mjs'), '--store', project.store]);
  expect(again.outcome).toMatchObject({ total: 6, reused: 6, executed: 0 });
});

test('a program submits to an environment by name, or as the configuration resolves it, or as plain data', async () => {
  const project = await scriptsWith({
    '.metalab.toml': `[environments.here]
type = "local"
store = "records"
executor.slots = 1
`,
    'operation.mjs': OPERATION,
    'experiment.mjs': experiment('[1, 2]'),
    'main.mjs': `
      import { connect, loadConfig } from 'metalab';
      import sweep from './experiment.mjs';
      const lab = await connect();
      const { environment } = (await loadConfig()).resolve('here', { 'executor.slots': 2 });
      const named = await lab.submit(sweep, { executor: 'here' });
      const { store } = named;
      const { executed } = await named.outcome();
      const again = await (await lab.submit(sweep, { executor: environment, store: 'other' })).outcome();
      const attached = await lab.attach('in_code:1', { executor: environment });
      const plain = await lab.submit(sweep, { executor: { type: 'local', slots: 3, store: 'plain' } });
      console.log(JSON.stringify({ store, executed, again: again.executed, attached: attached.store, plain: plain.store }));
      await lab.close();`,
    'elsewhere.mjs': `
      import { connect } from 'metalab';
      const lab = await connect();
      const handle = await lab.attach('in_code:1', { store: 'plain' });
      const results = await handle.result();
      const { environment: { name, type, executor } } = handle;
      console.log(JSON.stringify({ name, type, executor, success: results.outcome.success, runs: await results.count() }));
      await results.close();
      await lab.close();`,
  });
  const [line] = await runForLines<{ store: string; attached: string; plain: string }>(project, 'main.mjs');
  expect(line).toMatchObject({ executed: 4, again: 4 });
  expect(line!.store).toMatch(/^file:.*\/records$/);
  expect(line!.attached).toBe(line!.store);
  expect(line!.plain).toMatch(/^file:.*\/plain$/);
  // Another process has the same handle.
  expect(await runForLines(project, 'elsewhere.mjs')).toEqual([
    { name: 'local', type: 'local', executor: { slots: 3 }, success: 4, runs: 4 },
  ]);
});

test('a submission in progress has a status that adds up, and a result once it has ended', async () => {
  const project = await scriptsWith({
    'operation.mjs': OPERATION,
    'experiment.mjs': experiment('[1, 2, 3, 4, 5, 6]', 'ms: [150], held: [true]'),
    'main.mjs': `
      import { writeFileSync } from 'node:fs';
      import { connect } from 'metalab';
      import exp from './experiment.mjs';
      const lab = await connect();
      const handle = await lab.submit(exp, { store: 'experiments', slots: 2 });
      let ended;
      const result = handle.outcome().then((outcome) => { ended = outcome; });
      while (!ended) {
        const status = await handle.status();
        console.log(JSON.stringify(status));
        // It goes on once both slots have been seen at work, whenever the second is up.
        if (status.running === 2 && status.success > 0) writeFileSync('go', '');
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
      await result;
      console.log(JSON.stringify(await handle.status()));
      await lab.close();`,
  });
  const statuses = await runForLines<SweepStatus>(project, 'main.mjs');
  for (const { total, success, failed, cancelled, running, pending } of statuses)
    expect(success + failed + cancelled + running + pending).toBe(total);
  expect(statuses.some(({ running, success }) => running > 0 && success > 0)).toBe(true);
  expect(Math.max(...statuses.map(({ running }) => running))).toBe(2);
  const done = statuses.map(({ success }) => success);
  expect(done).toEqual([...done].sort((a, b) => a - b));
  expect(statuses.at(-1)).toMatchObject({
    state: 'completed',
    total: 12,
    success: 12,
    running: 0,
    pending: 0,
  });
});

test('events report every record once, during the sweep and afterwards, and end by themselves', async () => {
  const project = await scriptsWith({
    'operation.mjs': OPERATION,
    'first.mjs': experiment('[1, 2]'),
    'second.mjs': experiment('[1, 2, -3, 4, 5]', 'ms: [0, 30]'),
    'main.mjs': `
      import { connect, run } from 'metalab';
      import first from './first.mjs';
      import second from './second.mjs';
      await run(first, { store: 'experiments' });
      const lab = await connect();
      const handle = await lab.submit(second, { store: 'experiments' });
      for await (const event of handle.events()) console.log(JSON.stringify({ live: true, event }));
      const late = await lab.attach('in_code:1', { store: 'experiments' });
      for await (const event of late.events()) console.log(JSON.stringify({ live: false, event }));
      await lab.close();`,
  });
  const lines = await runForLines<{ live: boolean; event: SweepEvent }>(project, 'main.mjs');
  for (const live of [true, false]) {
    const events = lines.filter((line) => line.live === live).map((line) => line.event);
    const finished = events.flatMap((event) => (event.type === 'run_finished' ? [event.record.run_id] : []));
    expect(finished).toHaveLength(12);
    expect(new Set(finished).size).toBe(12);
    const errors = events.flatMap((event) =>
      event.type === 'run_failed' ? [event.record.error?.message] : [],
    );
    expect(errors).toEqual(Array(4).fill('x is negative'));
    const artifacts = events.flatMap((event) =>
      event.type === 'artifact_saved' ? [event.artifact.name] : [],
    );
    expect(artifacts).toEqual(Array(12).fill('point'));
    expect(events.filter((event) => event.type === 'log')).toHaveLength(12);
    expect(events.at(-1)).toEqual({
      type: 'progress',
      status: { total: 20, success: 16, failed: 4, cancelled: 0 },
    });
  }
});

test('result() rejects after its timeout with an error that says so, and the runs continue', async () => {
  const project = await scriptsWith({
    'operation.mjs': OPERATION,
    'experiment.mjs': experiment('[1, 2]', 'ms: [1200]'),
    'main.mjs': `
      import { connect } from 'metalab';
      import exp from './experiment.mjs';
      const lab = await connect();
      const handle = await lab.submit(exp, { store: 'experiments' });
      const error = await handle.outcome({ timeout: '200ms' }).catch((error) => error);
      const wrong = await handle.outcome({ timeout: 'soon' }).catch((error) => error);
      console.log(JSON.stringify([error.code, error.message, wrong.code, wrong.message]));
      await lab.close();`,
    'elsewhere.mjs': `
      import { connect } from 'metalab';
      const lab = await connect();
      const handle = await lab.attach('in_code:1', { store: 'experiments' });
      console.log(JSON.stringify(await handle.outcome({ timeout: '30s' })));
      console.log(JSON.stringify(await lab.attach('other:1', { store: 'experiments' }).catch((error) => error.message)));
      await lab.close();`,
  });
  const [[code, message, wrongCode, wrongMessage]] = (await runForLines<string[]>(project, 'main.mjs')) as [
    string[],
  ];
  expect(code).toBe('METALAB_TIMEOUT');
  expect(message).toMatch(/in_code:1.*no outcome within 200ms; its runs go on/);
  expect(wrongCode).toBe('METALAB_DURATION');
  expect(wrongMessage).toContain("expected: a duration such as '90s'");
  const [outcome, unknown] = await runForLines<SubmissionOutcome | string>(project, 'elsewhere.mjs');
  expect(outcome).toMatchObject({ state: 'completed', executed: 4, success: 4 });
  expect(unknown).toMatch(/no submission of other:1[\s\S]*one of in_code:1/);
});

test('an operation that slots cannot import is refused before anything runs', async () => {
  const declare = (declaration: string) => `
    import { experiment, grid, operation, run, seeds } from 'metalab';
    ${declaration}
    const exp = experiment({ name: 'not_exported', version: '1', operation: measure, params: grid({ x: [1] }), seeds: seeds({ base: 1 }) });`;
  const project = await scriptsWith({
    'hidden.mjs': declare('const measure = operation(() => {});').concat('\nexport default exp;'),
    'main.mjs': `
      import { run } from 'metalab';
      import exp from './hidden.mjs';
      await run(exp, { store: 'experiments' });`,
    'one-script.mjs': declare('export const measure = operation(() => {});').concat(
      "\nawait run(exp, { store: 'experiments' });",
    ),
    'slots.mjs': `
      import { run } from 'metalab';
      import { measure } from './operation.mjs';
      import exp from './experiment.mjs';
      await run(exp, { store: 'experiments', slots: 0 });`,
    'operation.mjs': OPERATION,
    'experiment.mjs': experiment('[1]'),
  });
  const [hidden, script, slots] = await Promise.all(
    ['main.mjs', 'one-script.mjs', 'slots.mjs'].map((name) => runScript(project, name)),
  );
  expect(hidden).toMatchObject({ code: 1 });
  expect(hidden?.stderr).toMatch(
    /the operation is not exported by any module[\s\S]*write `export` before it/,
  );
  expect(script).toMatchObject({ code: 1 });
  expect(script?.stderr).toMatch(/one-script\.mjs: declares the operation[\s\S]*into another file/);
  expect(slots?.stderr).toMatch(/slots: is 0[\s\S]*a whole number from 1 to 1000/);
  const { stdout } = await metalab(['list', '--store', project.store, '--json']);
  expect(stdout.trim() || '[]').toBe('[]');
});

test('a script may declare the operation and submit it, where it submits only as the program that was started', async () => {
  const project = await scriptsWith({
    'main.mjs': `
      import { fileURLToPath } from 'node:url';
      import { experiment, grid, operation, run, seeds } from 'metalab';
      export const double = operation(({ params, capture }) => capture.metric('y', 2 * params.x));
      async function main() {
        const exp = experiment({ name: 'script', version: '1', operation: double, params: grid({ x: [1, 2] }), seeds: seeds({ base: 1 }) });
        console.log(JSON.stringify((await run(exp, { store: 'experiments' })).outcome));
      }
      if (process.argv[1] === fileURLToPath(import.meta.url)) main();`,
  });
  const [outcome] = await runForLines<SubmissionOutcome>(project, 'main.mjs');
  expect(outcome).toMatchObject({ state: 'completed', success: 2 });
});
