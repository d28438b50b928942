import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { experimentText } from '../support/experiment-text.js';
import { metalab, startMetalab, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';

// Several submits each, also on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

const FAILING = (x: string, total: number) => ({
  'experiment.ts': experimentText({
    body: `
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (${x}) throw new Error('x is ' + params.x + ', a typo');
      capture.metric('y', params.x);`,
    properties: `params: grid({ x: Array.from({ length: ${total} }, (_, x) => x) })`,
  }),
});

const submit = (project: Project, ...args: readonly string[]) =>
  submitJson([project.path('experiment.ts'), '--store', project.store, ...args]);
const run = (project: Project, ...args: readonly string[]) => metalab([...args, '--store', project.store]);

it('ends a sweep after that many failures, every command says so, and the next submit continues', async () => {
  const project = await projectWith(FAILING('true', 300));
  const first = await submit(project, '--max-failures', '6', '--slots', '2');
  expect(first.code).toBe(1);
  expect(first.outcome).toMatchObject({ state: 'cancelled', total: 300, success: 0 });
  expect(first.outcome!.failed).toBeGreaterThanOrEqual(6);
  expect(first.outcome!.failed).toBeLessThan(30);
  expect(first.outcome).toMatchObject({ reason: expect.stringContaining('--max-failures 6') });
  const status = await run(project, 'status', 'e');
  expect(status.stderr).toMatch(/too many runs failed: \d+ of \d+ that are done \(--max-failures 6\)/);
  expect(status.stderr).toMatch(/all \d+ runs failed with the same error: Error: x is \d+, a typo/);

  const retried = await run(project, 'retry', 'e', '--max-failures', '3', '--json');
  expect(retried.code).toBe(1);
  expect(JSON.parse(retried.stdout.trim().split('\n').at(-1)!)).toMatchObject({
    state: 'cancelled',
    reason: expect.stringContaining('--max-failures 3'),
  });
  await project.write(FAILING('false', 300));
  expect((await submit(project)).outcome).toMatchObject({ success: 300, failed: 0 });
});

it('ends a sweep after that many failures also with isolated runs', async () => {
  const project = await projectWith({
    'experiment.ts': experimentText({
      before: "import { appendFileSync } from 'node:fs';",
      body: `
        appendFileSync('executions', process.pid + '\\n');
        if (params.x > 0) throw new Error('x is ' + params.x + ', a typo');`,
      properties: 'params: grid({ x: Array.from({ length: 200 }, (_, x) => x) }), isolate: true',
    }),
  });
  const { code, outcome } = await submit(project, '--max-failures', '2', '--slots', '1');
  expect(code).toBe(1);
  expect(outcome).toMatchObject({
    state: 'cancelled',
    total: 200,
    reason: expect.stringContaining('--max-failures 2'),
  });
  const executions = readFileSync(project.path('executions'), 'utf8').trim().split('\n');
  expect(new Set(executions).size).toBe(executions.length);
  const { success, failed, cancelled } = outcome!;
  expect(failed).toBeGreaterThanOrEqual(2);
  // A chunk that waited for the slot may have begun when the second failure was told.
  expect(failed).toBeLessThanOrEqual(4);
  expect(success + failed + cancelled).toBe(executions.length);
  expect(outcome).toMatchObject({ missing: 200 - executions.length });
});

it('counts a percentage of the runs that are done, once 20 are, and what the experiment itself says', async () => {
  const project = await projectWith(FAILING('params.x % 2 === 0', 15));
  expect((await submit(project, '--max-failures', '10%')).outcome).toMatchObject({ success: 7, failed: 8 });
  const text = FAILING('params.x % 10 === 0', 60)['experiment.ts'].replace(
    'params: grid',
    "maxFailures: '50%', params: grid",
  );
  await project.write({ 'experiment.ts': text });
  expect((await submit(project)).outcome).toMatchObject({ state: 'completed', failed: 6 });
  const ended = await submit(project, '--fresh', '--max-failures', '5%');
  expect(ended.outcome).toMatchObject({ state: 'cancelled', reason: expect.stringContaining('5%') });
});

it('reports during a sweep that all its runs failed with the same error', async () => {
  const project = await projectWith(FAILING('true', 100_000));
  const following = startMetalab(['submit', project.path('experiment.ts'), '--store', project.store]);
  await vi.waitFor(
    () =>
      expect(following.stderrSoFar()).toMatch(
        /all [\d,]+ runs so far failed with the same error: Error: x is \d+/,
      ),
    { timeout: 360_000, interval: 100 },
  );
  const status = JSON.parse((await run(project, 'status', 'e', '--json')).stdout) as Record<string, unknown>;
  expect(status).toMatchObject({ same_error: { message: expect.stringContaining('a typo') } });
  await run(project, 'cancel', 'e');
  await following.finished;
});

const SEARCH = (metric: string) => ({
  'experiment.ts': experimentText({
    body: `
      if (params.x === 1) throw new Error('late');
      capture.metric('loss', (params.x - 4) ** 2);
      capture.metric('accuracy', params.x);`,
    properties: `params: grid({ x: [0, 1, 3, 5, 9] }), objective: { metric: '${metric}', direction: 'min' }`,
  }),
});

it('shows the best run by the objective, with its params, in outcomes, status and results', async () => {
  const project = await projectWith(SEARCH('loss'));
  const following = await metalab(['submit', project.path('experiment.ts'), '--store', project.store]);
  // Of 3 and 5, which are equally good, the first.
  expect(following.stderr).toContain('best loss 1 (x=3)');
  expect((await run(project, 'status', 'e')).stderr).toContain('best loss 1 (x=3)');
  const status = JSON.parse((await run(project, 'status', 'e', '--json')).stdout) as Record<string, unknown>;
  expect(status).toMatchObject({ best: { metric: 'loss', value: 1, params: { x: 3 } } });
  const best = async (...args: readonly string[]) => {
    const { stdout, stderr } = await run(project, 'results', 'e', '--best', ...args, '--json');
    if (!stdout) throw new Error(stderr);
    const records = JSON.parse(stdout) as {
      readonly run_id: string;
      readonly params: { readonly x: number };
    }[];
    return records.map(({ params }) => params.x);
  };
  expect(await best()).toEqual([3]);
  expect(await best('accuracy:max')).toEqual([9]);
  expect(await best('accuracy:max', '--limit', '2')).toEqual([9, 5]);
  expect(await best('accuracy', '--where', 'x>0')).toEqual([3]);
  expect(await best('accuracy:max', '--group-by', 'x', '--where', 'x>3')).toEqual(
    (await best('accuracy:max', '--where', 'x>3', '--limit', '50')).sort((a, b) => a - b),
  );
  const unknown = await run(project, 'results', 'e', '--best', 'acuracy');
  expect(unknown).toMatchObject({ code: 2 });
  expect(unknown.stderr).toMatch(/no run has the metric 'acuracy'[\s\S]*accuracy, loss/);

  // An objective is no identity: another one reuses everything.
  await project.write(SEARCH('los'));
  const again = await metalab(['submit', project.path('experiment.ts'), '--store', project.store, '--fresh']);
  expect(again.stderr).toMatch(/no run has the metric 'los'/);
});

it('refuses an invalid objective or limit, all mistakes together', async () => {
  const project = await projectWith({
    'experiment.ts': experimentText({
      properties: "objective: { metric: '', direction: 'least', mode: 1 } as never, maxFailures: '0%',",
    }),
  });
  const { code, stderr } = await submit(project);
  expect(code).toBe(2);
  for (const where of ['objective.metric', 'objective.direction', 'objective.mode', 'maxFailures'])
    expect(stderr).toContain(where);
  expect((await submit(project, '--max-failures', 'some')).stderr).toContain('--max-failures');
});
