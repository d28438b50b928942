import { readdirSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { experimentText } from '../support/experiment-text.js';
import { metalab, startMetalab, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';

let project: Project;

beforeEach(async () => {
  project = await projectWith({});
});

const write = (parts: Parameters<typeof experimentText>[0], more: { readonly [name: string]: string } = {}) =>
  project.write({ 'experiment.ts': experimentText(parts), ...more });
const submit = () => submitJson(['experiment.ts'], { cwd: project.folder });

/** What a dry run prints; it needs no server: none is where TEMPORAL_ADDRESS says. */
async function dryRun(...args: string[]): Promise<string> {
  const { stdout, stderr } = await dryRunWithWarnings(...args);
  expect(stderr).toBe('');
  return stdout;
}

async function dryRunWithWarnings(...args: string[]) {
  const { code, stdout, stderr } = await metalab(['submit', 'experiment.ts', '--dry-run', ...args], {
    cwd: project.folder,
    env: { TEMPORAL_ADDRESS: '127.0.0.1:1' },
  });
  expect(code).toBe(0);
  return { stdout, stderr };
}

test('a dry run of what was never submitted says that all of it is new, and makes no store', async () => {
  await write({});
  expect(await dryRun()).toBe(
    `e:1: 3 of 3 runs would be executed
          3  new
          0  reused
`,
  );
  expect(readdirSync(project.folder)).toEqual(['experiment.ts']);
});

test('a dry run counts what would be reused, retried and new, by the options given, and changes nothing', async () => {
  const body = "if (params.x === 2) throw new Error('no'); capture.metric('y', params.x);";
  await write({ body });
  expect((await submit()).code).toBe(1);
  await write({ body, properties: 'params: grid({ x: [1, 2, 3, 4] })' });
  const before = readdirSync(project.store, { recursive: true }).sort();
  const counts = async (...args: string[]) => {
    const { to_execute, new: fresh, retried, reused } = JSON.parse(await dryRun('--json', ...args));
    return { to_execute, fresh, retried, reused };
  };
  const none = { success: 0, failed: 0, cancelled: 0 };
  expect(await counts()).toEqual({ to_execute: 2, fresh: 1, retried: 1, reused: { ...none, success: 2 } });
  expect(await counts('--keep-failed')).toEqual({
    to_execute: 1,
    fresh: 1,
    retried: 0,
    reused: { ...none, success: 2, failed: 1 },
  });
  expect(await counts('--fresh')).toEqual({ to_execute: 4, fresh: 1, retried: 3, reused: none });
  expect(await dryRun()).toMatch(/2 of 4 runs.*\n +1 {2}new\n +1 {2}to do again.*\n +2 {2}reused\n$/);
  expect(await dryRun('--keep-failed')).toContain('3  reused, failed and cancelled ones too');
  expect(readdirSync(project.store, { recursive: true }).sort()).toEqual(before);
});

test('a dry run says what is stale, whether by code or context, and which module, package, file or value it is', async () => {
  const parts = {
    before: "import { twice } from './model.ts';",
    body: "capture.metric('y', twice(params.x) + context.offset);",
    properties: "context: { offset: 1, table: file('table.csv') }",
  };
  await write(parts, { 'model.ts': 'export const twice = (x: number) => 2 * x;\n', 'table.csv': '1' });
  await submit();

  await project.write({ 'model.ts': 'export const twice = (x: number) => x + x;\n' });
  const code = await dryRun();
  expect(code).toContain('3  new, of which 3 are stale: 3 were done under other code');
  expect(code).toMatch(/changed since the last submit:\n {2}code: model\.ts\n$/);

  await project.write({ 'model.ts': 'export const twice = (x: number) => 2 * x;\n', 'table.csv': '2' });
  await write({ ...parts, properties: parts.properties.replace('offset: 1', 'offset: 2') });
  const context = await dryRun();
  expect(context).toContain('3  new, of which 3 are stale: 3 with another context');
  expect(context).toMatch(
    /changed since the last submit:\n {2}context: .*table\.csv\n {2}context: offset\n$/,
  );
});

test('a dry run counts trials that repeat an earlier one as one run', async () => {
  await write({
    properties: 'params: random({ space: { x: { dist: "int", low: 1, high: 3 } }, trials: 50, seed: 1 })',
  });
  const { stdout: words, stderr } = await dryRunWithWarnings();
  expect(stderr).toContain('47 of the 50 trials of the random search repeat earlier ones');
  expect(words).toContain('3 of 3 runs would be executed');
  expect(words).toContain('47  trials repeat an earlier one and count as one run with it');
});

test('what a file prints while it is evaluated goes to stderr: stdout is JSON alone', async () => {
  await write({ before: "console.log('loading the data'); process.stdout.write('done\\n');" });
  // In a process of its own: a child that evaluates has the process's stderr.
  const { finished } = startMetalab(['submit', 'experiment.ts', '--dry-run', '--json'], {
    cwd: project.folder,
    env: { TEMPORAL_ADDRESS: '127.0.0.1:1' },
  });
  const { code, stdout, stderr } = await finished;
  expect(code).toBe(0);
  expect(stderr).toBe('loading the data\ndone\n');
  expect(JSON.parse(stdout)).toMatchObject({ total: 3, new: 3 });
});
