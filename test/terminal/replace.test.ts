import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { ExperimentManifest } from '../../src/storage/manifest.js';
import { experimentText } from '../support/experiment-text.js';
import { metalab, resultsJson, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';
import { Terminal } from './tmux.js';

const other = (y: number) => experimentText({ body: `capture.metric('y', ${y} * params.x);` });

/** Two folders that declare the same experiment; the first one's is submitted. */
async function submittedFromA() {
  const project = await projectWith({ 'a/experiment.ts': other(1), 'b/experiment.ts': other(2) });
  const first = await submitJson([project.path('a/experiment.ts'), '--store', project.store]);
  expect(first.outcome, first.stderr).toMatchObject({ success: 3 });
  return project;
}

const inStore = (project: Project, name: string) => join(project.store, 'e@1', name);
const latest = (project: Project) =>
  JSON.parse(readFileSync(inStore(project, 'experiment.json'), 'utf8')) as ExperimentManifest;
const submissions = (project: Project) => readdirSync(inStore(project, 'submissions'));
const ys = async (project: Project) =>
  (await resultsJson('e', project.store)).map(({ metrics }) => (metrics as { y: number }).y).sort();

async function submitFromB(project: Project) {
  const terminal = await Terminal.open(project.path('b'), 150);
  await terminal.type('metalab submit experiment.ts --store ../experiments; echo "code $?"');
  await terminal.waitFor(/replace it\? \[y\/N\] *$/, 60_000);
  expect((await terminal.unwrapped()).replaceAll(/\s+/g, ' ')).toMatch(
    /e:1 was last submitted from .*a\/experiment\.ts, another project or folder; submitting .*replaces that declaration/,
  );
  // While it asks, nothing is done.
  expect(submissions(project)).toHaveLength(1);
  return terminal;
}

beforeAll(async () => {
  // So that no screen tells of starting them.
  const { code, stderr } = await metalab(['engine', 'start']);
  expect(code, stderr).toBe(0);
});

test.each([
  ['n', 'n'],
  ['Enter alone', ''],
])('asked whether to replace the declaration of another folder, %s leaves it as it is', async (_, answer) => {
  const project = await submittedFromA();
  const before = latest(project);
  const terminal = await submitFromB(project);
  await terminal.type(answer);
  await terminal.waitFor(/^code \d+$/m, 60_000);
  const screen = await terminal.unwrapped();
  expect(screen).toMatch(/^code [1-9]/m);
  expect(screen).toContain('nothing was submitted');
  expect(screen).toContain('give this experiment another name or version');
  expect(latest(project)).toEqual(before);
  expect(submissions(project)).toHaveLength(1);
  expect(await ys(project)).toEqual([1, 2, 3]);
});

test('answering y submits, and it is asked no more', async () => {
  const project = await submittedFromA();
  const terminal = await submitFromB(project);
  await terminal.type('y');
  await terminal.waitFor(/^code \d+$/m, 120_000);
  expect(await terminal.unwrapped()).toMatch(/3 runs: 3 success; 3 executed, 0 reused[\s\S]*^code 0$/m);
  expect(submissions(project)).toHaveLength(2);
  expect(await ys(project)).toEqual([2, 4, 6]);

  await terminal.type('clear; metalab submit experiment.ts --store ../experiments; echo "again $?"');
  await terminal.waitFor(/^again 0$/m, 120_000);
  expect(await terminal.unwrapped()).not.toContain('replace it?');
});
