import { execFileSync } from 'node:child_process';
import { expect, it, vi } from 'vitest';
import { plainRemote } from '../../src/client/submit/git-state.js';
import { experimentText } from '../support/experiment-text.js';
import { metalab, resultsJson, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';

// Several submits each, also on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

interface Shown {
  readonly submission: string;
  readonly git: { readonly commit: string; readonly dirty: boolean; readonly untracked?: string[] } | null;
}

function git(project: Project, ...args: readonly string[]): string {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', [...identity, ...args], { cwd: project.folder, encoding: 'utf8' }).trim();
}

/** A repository with a first commit that holds nothing but its .gitignore. */
async function repositoryWith(files: { readonly [name: string]: string }): Promise<Project> {
  const project = await projectWith({ ...files, '.gitignore': 'experiments\nignored.ts\n' });
  git(project, 'init', '-q', '.');
  git(project, 'add', '.gitignore');
  git(project, 'commit', '-qm', 'first');
  return project;
}

const submit = (project: Project) => submitJson([project.path('experiment.ts'), '--store', project.store]);

async function showRun(project: Project, where: string): Promise<Shown> {
  const [record] = await resultsJson('e:1', project.store, ['--where', where]);
  const { stdout } = await metalab(['show', String(record!.run_id), '--store', project.store, '--json']);
  return JSON.parse(stdout) as Shown;
}

it('records the commit at which each run was submitted, also after later submits', async () => {
  const project = await repositoryWith({ 'experiment.ts': experimentText() });
  git(project, 'add', '.');
  git(project, 'commit', '-qm', 'second');
  const second = git(project, 'rev-parse', 'HEAD');
  expect((await submit(project)).outcome).toMatchObject({ executed: 3 });

  await project.write({
    'experiment.ts': experimentText({ properties: 'params: grid({ x: [1, 2, 3, 4] })' }),
  });
  git(project, 'commit', '-qam', 'third');
  const third = git(project, 'rev-parse', 'HEAD');
  expect((await submit(project)).outcome).toMatchObject({ executed: 1, reused: 3 });

  expect((await showRun(project, 'x=1')).git).toEqual({ commit: second, dirty: false });
  expect((await showRun(project, 'x=4')).git).toEqual({ commit: third, dirty: false });
  const [record] = await resultsJson('e:1', project.store, ['--where', 'x=1']);
  const { stdout } = await metalab(['show', String(record!.run_id), '--store', project.store]);
  expect(stdout).toContain(second);
  expect(stdout).toMatch(/uncommitted changes +none/);
});

it('counts uncommitted files that the operation imports as changes, ignored ones too', async () => {
  const project = await repositoryWith({
    'experiment.ts': experimentText({
      before: "import { two } from './ignored.ts';",
      body: "capture.metric('y', two * params.x);",
      properties: "code: ['table.csv']",
    }),
    'ignored.ts': 'export const two = 2;',
    'table.csv': 'a,b',
    'unrelated.txt': '',
  });
  await submit(project);
  expect((await showRun(project, 'x=1')).git).toEqual({
    commit: git(project, 'rev-parse', 'HEAD'),
    dirty: true,
    untracked: ['experiment.ts', 'ignored.ts', 'table.csv'],
  });
});

it("records the commit of the code that a retried run executes, not the folder's current commit", async () => {
  const project = await repositoryWith({
    'experiment.ts': experimentText({ body: "throw new Error('always');" }),
  });
  git(project, 'add', '.');
  git(project, 'commit', '-qm', 'second');
  const second = git(project, 'rev-parse', 'HEAD');
  await submit(project);
  await project.write({ 'experiment.ts': experimentText() });
  git(project, 'commit', '-qam', 'third');
  await metalab(['retry', 'e:1', '--store', project.store]);
  const { git: state, submission } = await showRun(project, 'x=1');
  expect(state).toEqual({ commit: second, dirty: false });
  const [record] = await resultsJson('e:1', project.store, ['--where', 'x=1']);
  expect(record).toMatchObject({ generation: 1 });
  expect(submission).toMatch(/^\d{8}T\d{6}-/);
});

it('records a remote without its login', () => {
  const remotes = ['git@host.edu:a/b.git', 'https://user:token@host.edu/a/b.git', 'ssh://git@host.edu/a/b/'];
  for (const remote of remotes) expect(plainRemote(remote)).toBe('host.edu/a/b');
});
