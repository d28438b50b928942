import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SubmissionOutcome, SweepStatus } from '../../../src/index.js';
import { useOwnWorkers } from '../../support/engine.js';
import { metalab } from '../../support/metalab.js';
import { type Project, projectWith } from '../../support/project.js';
import { until } from '../../support/until.js';

const env = await useOwnWorkers();

/** So many that a chunk in a slot, which may go on after a pause, is not all of them. */
const HELD = 40;

/** Runs that note their execution; where they are held they wait for the file `go` first. */
const sweep = (runs: number, held: boolean) => ({
  'sweep.mjs': `
    import { appendFileSync, existsSync } from 'node:fs';
    import { experiment, grid, operation, seeds } from 'metalab';
    export const work = operation(async ({ params, capture }) => {
      appendFileSync('executions', params.x + '\\n');
      while (${held} && !existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 20));
      capture.metric('y', params.x);
    });
    export default experiment({
      name: 'sweep', version: '1', operation: work,
      params: grid({ x: Array.from({ length: ${runs} }, (_, x) => x) }), seeds: seeds({ base: 1 }),
    });`,
});

/** What somebody who can write there makes of a file: it would have runs load a program, or be made for everybody. */
const alterations: { readonly [file: string]: (content: object, project: Project) => object } = {
  'env.json': (content, project) => ({
    ...content,
    NODE_OPTIONS: `--import "${project.path('stranger.mjs')}"`,
  }),
  'submission.json': (content) => ({ ...content, umask: 0 }),
};

function alter(project: Project, submission: string, file: string): void {
  const path = join(project.store, 'sweep@1', 'submissions', submission, file);
  const content = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify(alterations[file]!(content, project)));
}

const executions = (project: Project) =>
  existsSync(project.path('executions'))
    ? readFileSync(project.path('executions'), 'utf8').split('\n').length - 1
    : 0;
const submissionsOf = (project: Project) => readdirSync(join(project.store, 'sweep@1', 'submissions')).sort();
const run = (project: Project, ...args: readonly string[]) =>
  metalab([...args, '--store', project.store], { cwd: project.folder, env });

async function submitHeld() {
  const project = await projectWith({
    ...sweep(HELD, true),
    'stranger.mjs': `import { writeFileSync } from 'node:fs'; writeFileSync('loaded', '');`,
  });
  await run(project, 'submit', 'sweep.mjs', '--slots', '1', '--detach');
  await until(() => executions(project) === 1);
  return project;
}

async function expectEnded(project: Project, file: string) {
  const attached = await run(project, 'attach', 'sweep', '--json');
  expect(existsSync(project.path('loaded'))).toBe(false);
  expect(attached.code, attached.stderr).not.toBe(0);
  const status = JSON.parse((await run(project, 'status', 'sweep', '--json')).stdout) as SweepStatus;
  expect(status).toMatchObject({ state: 'failed', failed: 0, running: 0 });
  expect(status.reason).toContain(`its ${file}, `);
  expect(status.reason).toContain('is not what was submitted: submit again');
}

describe.each(Object.keys(alterations))('%s of a submission, altered after it was signed,', (file) => {
  it('ends it before any of its runs, where it waited in the queue', async () => {
    const project = await submitHeld();
    const [first] = submissionsOf(project);
    // Other code, so that it reuses nothing of the first.
    await project.write(sweep(7, false));
    await run(project, 'submit', 'sweep.mjs', '--detach');
    const second = submissionsOf(project).find((submission) => submission !== first)!;
    alter(project, second, file);
    writeFileSync(project.path('go'), '');

    await expectEnded(project, file);
    // Those of the first, of which nothing was altered.
    expect(executions(project)).toBe(HELD);

    const again = await run(project, 'submit', 'sweep.mjs', '--json');
    expect(again.code, again.stderr).toBe(0);
    expect(JSON.parse(again.stdout) as SubmissionOutcome).toMatchObject({ success: 7, executed: 7 });
  }, 360_000);
});

it('a submission of which one of these files was altered after it had begun ends as soon as another worker reads it', async () => {
  const altered: { readonly project: Project; readonly file: string; readonly executed: number }[] = [];
  for (const file of Object.keys(alterations)) {
    const project = await submitHeld();
    expect((await run(project, 'pause', 'sweep')).code).toBe(0);
    writeFileSync(project.path('go'), '');
    await run(project, 'attach', 'sweep');
    const executed = executions(project);
    expect(executed).toBeLessThan(HELD);
    altered.push({ project, file, executed });
  }
  await metalab(['engine', 'stop'], { env });
  for (const { project, file } of altered) alter(project, submissionsOf(project)[0]!, file);
  await metalab(['engine', 'start'], { env });
  for (const { project, file, executed } of altered) {
    expect((await run(project, 'resume', 'sweep')).code).toBe(0);
    await expectEnded(project, file);
    expect(executions(project)).toBe(executed);
  }
}, 360_000);
