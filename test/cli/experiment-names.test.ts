import { execFileSync } from 'node:child_process';
import { cpSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { experimentText } from '../support/experiment-text.js';
import { metalab, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';

// Several submits each, also on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

const REPLACES = /was last submitted from .*replaces that declaration/;

const submit = (project: Project, file: string, ...args: readonly string[]) =>
  submitJson([project.path(file), '--store', project.store, ...args]);

const other = (y: number) => experimentText({ body: `capture.metric('y', ${y} * params.x);` });

it('takes an exact name before longer ones, and refuses one of several versions', async () => {
  const project = await projectWith({
    'experiment.ts': experimentText({
      after: `
        export const plain = experiment({ ...base, name: 'mnist' });
        export const longer = experiment({ ...base, name: 'mnist_aug' });
        export const later = experiment({ ...base, name: 'mnist', version: '10' });`,
    }),
  });
  await submit(project, 'experiment.ts', '--name', 'plain');
  await submit(project, 'experiment.ts', '--name', 'longer');
  const status = (name: string) => metalab(['status', name, '--store', project.store]);
  const exact = await status('mnist');
  expect(exact.stdout, exact.stderr).toContain('mnist:1');
  expect((await status('mnist_')).stdout).toContain('mnist_aug:1');

  await submit(project, 'experiment.ts', '--name', 'later');
  const several = await status('mnist');
  expect(several.code).toBe(2);
  expect(several.stderr).toMatch(/could be 2 experiments[\s\S]*mnist:1\n[\s\S]*mnist:10/);
  expect(several.stderr).not.toContain('mnist_aug');
  expect((await status('mnist:1')).stdout).toMatch(/mnist:1 /);
});

it('says before a submit replaces the declaration of another folder, and only then', async () => {
  const project = await projectWith({ 'a/experiment.ts': other(1), 'b/experiment.ts': other(2) });
  expect((await submit(project, 'a/experiment.ts')).stderr).not.toMatch(REPLACES);
  const dry = await metalab([
    'submit',
    project.path('b/experiment.ts'),
    '--store',
    project.store,
    '--dry-run',
  ]);
  expect(dry.stderr).toMatch(REPLACES);
  const second = await submit(project, 'b/experiment.ts');
  expect(second.code).toBe(0);
  expect(second.stderr).toMatch(REPLACES);
  expect(second.stderr).toContain(join('a', 'experiment.ts'));
  expect((await submit(project, 'b/experiment.ts')).stderr).not.toMatch(REPLACES);
  // Edited in place: the same file's declaration.
  await project.write({ 'b/experiment.ts': other(3) });
  expect((await submit(project, 'b/experiment.ts')).stderr).not.toMatch(REPLACES);
  expect((await submit(project, 'a/experiment.ts', '--replace')).stderr).not.toMatch(REPLACES);
});

it('takes a project that was moved, and another clone of it, for the same', async () => {
  const project = await projectWith({ 'a/experiment.ts': other(1) });
  await submit(project, 'a/experiment.ts');
  renameSync(project.path('a'), project.path('moved'));
  await project.write({ 'moved/experiment.ts': other(2) });
  expect((await submit(project, 'moved/experiment.ts')).stderr).not.toMatch(REPLACES);

  const git = (...args: readonly string[]) =>
    execFileSync('git', args, { cwd: project.path('moved'), encoding: 'utf8' });
  git('init', '-q', '.');
  git('remote', 'add', 'origin', 'git@host.edu:me/project.git');
  await submit(project, 'moved/experiment.ts');
  cpSync(project.path('moved'), project.path('clone'), { recursive: true });
  await project.write({ 'clone/experiment.ts': other(3) });
  expect((await submit(project, 'clone/experiment.ts')).stderr).not.toMatch(REPLACES);
});
