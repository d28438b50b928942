import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RunRecord } from '../../src/definition/record.js';
import { lastingFolder } from '../storage/file/temporary-store.js';
import { experimentText } from '../support/experiment-text.js';
import { metalab, resultsJson, type SubmitLine, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';

type Fault = keyof typeof FAULTS;

/** One run goes wrong in each of these ways, in one sweep; `fine` is as it should be. */
const FAULTS = {
  throws: "throw new RangeError('too far');",
  text: "throw 'only a text';",
  rejects: "await null; throw new TypeError('later', { cause: new Error('deep') });",
  astray: "void Promise.reject(new Error('nobody waits')); await pause(50);",
  timer: "setTimeout(() => { throw new Error('tick'); }, 1); await pause(200);",
  slow: 'await pause(60_000);',
  blocked: 'for (;;) {}',
  exits: 'process.exit(7);',
  heap: 'const all = []; for (;;) all.push(new Array(1000).fill(params.kind + all.length));',
  buffers: 'const all = []; for (;;) { all.push(Buffer.alloc(16e6, 1)); await pause(20); }',
  crashes: "process.kill(process.pid, 'SIGSEGV'); for (;;) {}",
  nothing: "capture.metric('y', null);",
  list: "capture.metric('y', [1, 2]);",
  fine: "capture.metric('y', 1);",
};

/** Only `slow` and `blocked` reach the timeout, also where it takes seconds to fill the memory. */
const EXPERIMENT = `import { experiment, grid, operation, seeds } from 'metalab';
import { setTimeout as pause } from 'node:timers/promises';

export const work = operation(async ({ params, capture }) => {
  capture.log('begins');
  switch (params.kind) {
${Object.entries(FAULTS)
  .map(([kind, text]) => `    case '${kind}': { ${text} break; }`)
  .join('\n')}
  }
});

export default experiment({
  name: 'faults', version: '1', operation: work, timeout: '5s', memory: '160M',
  params: grid({ kind: ${JSON.stringify(Object.keys(FAULTS))} }), seeds: seeds({ base: 1 }),
});
`;

describe('a sweep with every kind of fault', () => {
  let folder: string;
  let outcome: SubmitLine | undefined;
  let code: number | null;
  let records: Map<string, RunRecord>;

  beforeAll(async () => {
    folder = lastingFolder();
    writeFileSync(join(folder, 'faults.ts'), EXPERIMENT);
    ({ outcome, code } = await submitJson(['faults.ts'], { cwd: folder }));
    const found = (await resultsJson('faults', join(folder, 'experiments'))) as unknown as RunRecord[];
    records = new Map(found.map((record) => [String(record.params.kind), record]));
  });

  /** Where in the user's own source the fault stands. */
  const lineOf = (kind: Fault) =>
    EXPERIMENT.split('\n').findIndex((line) => line.includes(`case '${kind}'`)) + 1;
  const errorOf = (kind: Fault) => {
    expect(records.get(kind)).toMatchObject({ status: 'failed' });
    return records.get(kind)!.error!;
  };

  test('ends with exit code 1, and records each run once, only the sound one as success', () => {
    const total = Object.keys(FAULTS).length;
    expect(outcome).toMatchObject({ total, executed: total, success: 1, failed: total - 1, cancelled: 0 });
    expect(code).toBe(1);
    expect(records.size).toBe(total);
    expect(records.get('fine')).toMatchObject({ status: 'success', metrics: { y: 1 } });
  });

  test.each([
    ['throws', 'RangeError', 'too far'],
    ['rejects', 'TypeError', 'later'],
    ['astray', 'Error', 'nobody waits'],
    ['timer', 'Error', 'tick'],
    ['exits', 'ProcessExit', 'the operation ended the process with exit code 7'],
    ['nothing', 'TypeError', "metric 'y'"],
    ['list', 'TypeError', "metric 'y'"],
  ] as const)('%s: a %s whose stack points to the line in the user’s own source', (kind, type, message) => {
    const error = errorOf(kind);
    expect(error.type).toBe(type);
    expect(error.message).toContain(message);
    expect(error.stack).toContain(`${join(folder, 'faults.ts')}:${lineOf(kind)}:`);
    expect(error.stack).not.toMatch(/runner\.mjs|node:internal|operation\.mjs/);
  });

  test.each([
    ['text', 'string', /^only a text$/],
    ['slow', 'TimeoutError', /timeout of 5 s/],
    ['blocked', 'TimeoutError', /timeout of 5 s and could not be interrupted/],
    ['heap', 'MemoryError', /heap|limit of 160 MiB/],
    ['buffers', 'MemoryError', /used \d+ MiB of memory, over its limit of 160 MiB/],
    ['crashes', 'CrashError', /SIGSEGV: a crash in native code/],
  ] as const)('%s: a %s without a stack, that says what happened', (kind, type, message) => {
    const error = errorOf(kind);
    expect(error.type).toBe(type);
    expect(error.message).toMatch(message);
  });

  test("shows the stack of an error's cause", () => {
    expect(errorOf('rejects').stack).toContain('Caused by: Error: deep');
  });

  test('says which values a metric may have', () => {
    expect(errorOf('nothing').message).toMatch(/null.*a number, a string or a boolean/s);
  });

  test('keeps what was logged before', async () => {
    for (const kind of ['heap', 'crashes', 'blocked'] as const) {
      const { stdout } = await metalab([
        'logs',
        records.get(kind)!.run_id,
        '--store',
        join(folder, 'experiments'),
      ]);
      expect(stdout).toContain('begins');
    }
  });
});

let project: Project;
const write = async (parts: Parameters<typeof experimentText>[0], more: { [name: string]: string } = {}) => {
  project = await projectWith({ 'experiment.ts': experimentText(parts), ...more });
};
const submit = (...args: string[]) => submitJson(['experiment.ts', ...args], { cwd: project.folder });
const records = async () =>
  (await resultsJson('e', project.store, ['--sort', 'x'])) as unknown as RunRecord[];

test('a flaky operation is tried again as often as retries says, and its record tells the attempt', async () => {
  const body = `if (runtime.attempt < params.x) throw new Error('attempt ' + runtime.attempt);
  capture.metric('attempt', runtime.attempt);`;
  await write({ body, properties: 'retries: 1' });
  expect(await submit()).toMatchObject({ code: 1, outcome: { success: 2, failed: 1 } });
  expect((await records()).map(({ status, attempt, error }) => [status, attempt, error?.message])).toEqual([
    ['success', 1, undefined],
    ['success', 2, undefined],
    ['failed', 2, 'attempt 2'],
  ]);
});

test('a context file that changes while a sweep runs fails its runs, rather than giving them a wrong identity', async () => {
  const body = `const fs = await import('node:fs');
  if (params.x === 1) fs.writeFileSync('table.csv', 'changed by a run of the sweep');
  capture.metric('size', fs.statSync('table.csv').size);`;
  await write({ body, properties: "context: { table: file('table.csv') }" }, { 'table.csv': 'as submitted' });
  const { code, outcome } = await submit('--slots', '1');
  expect(code).toBe(1);
  expect(outcome!.failed).toBe(3);
  for (const { error } of await records()) {
    expect(error!.message).toContain(project.path('table.csv'));
    expect(error!.message).toMatch(/changed/);
  }
});

test("an operation that slots can't import fails the submission with the error that its module threw", async () => {
  await write({ before: "if (!process.env.METALAB_HOME) throw new RangeError('no home here');" });
  const { code, stderr, stdout } = await metalab(['submit', 'experiment.ts'], { cwd: project.folder });
  expect(stdout + stderr).toMatch(/no home here/);
  expect(stdout).toContain('3 not done');
  expect(code).toBe(3);
});
