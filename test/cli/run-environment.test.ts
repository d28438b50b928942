import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RunRecord } from '../../src/definition/record.js';
import { experimentText } from '../support/experiment-text.js';
import { metalab, resultsJson, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';
import { serverFolders } from '../support/test-server.js';

let project: Project;
const write = async (parts: Parameters<typeof experimentText>[0], more: { [name: string]: string } = {}) => {
  project = await projectWith({ 'experiment.ts': experimentText(parts), ...more });
};
const submit = (env: NodeJS.ProcessEnv = {}) => submitJson(['experiment.ts'], { cwd: project.folder, env });
const records = async () =>
  (await resultsJson('e', project.store, ['--sort', 'x'])) as unknown as RunRecord[];

test('runs see the environment variables that are named, no others, and neither store nor server have their values', async () => {
  const secret = `s3cret-${process.pid}-value`;
  const names =
    "['PATH', 'HOME', 'METALAB_TEST_TOKEN', 'METALAB_TEST_OTHER', 'METALAB_STORE', 'METALAB_HOME']";
  const body = `const fs = await import('node:fs');
  capture.metric('length', (process.env.METALAB_TEST_TOKEN ?? '').length);
  capture.metric('names', ${names}.filter((name) => process.env[name] !== undefined).join(' '));
  const submissions = 'experiments/e@1/submissions';
  const [submission] = fs.readdirSync(submissions);
  capture.metric('mode', fs.statSync(submissions + '/' + submission + '/env.json').mode.toString(8).slice(-3));`;
  await write({ body, properties: "env: ['METALAB_TEST_TOKEN']" });
  const env = { METALAB_TEST_TOKEN: secret, METALAB_TEST_OTHER: secret };
  expect((await submit(env)).outcome).toMatchObject({ success: 3 });
  const seen = { length: secret.length, names: 'PATH HOME METALAB_TEST_TOKEN', mode: '600' };
  expect((await records()).map(({ metrics }) => metrics)).toEqual([seen, seen, seen]);
  // The store, Temporal's database, and the logs of server and worker.
  expect(filesWith(secret, project.store, process.env.METALAB_HOME!, ...serverFolders())).toEqual([]);
});

test('a retry from a shell without a variable of the experiment is refused, and names every one', async () => {
  await write({
    body: "if (process.env.METALAB_TEST_TOKEN !== 'right') throw new Error('wrong');",
    properties: "env: ['METALAB_TEST_TOKEN', 'METALAB_TEST_OTHER']",
  });
  const env = { METALAB_TEST_TOKEN: 'wrong', METALAB_TEST_OTHER: 'x' };
  expect((await submit(env)).outcome).toMatchObject({ failed: 3 });
  const retry = (values: NodeJS.ProcessEnv = {}) =>
    metalab(['retry', 'e', '--json'], { cwd: project.folder, env: values });
  const refused = await retry();
  expect(refused).toMatchObject({ code: 2 });
  for (const name of Object.keys(env))
    expect(refused.stderr).toContain(`the environment variable ${name} is not set`);
  expect((await records()).map(({ generation }) => generation)).toEqual([0, 0, 0]);
  const right = await retry({ ...env, METALAB_TEST_TOKEN: 'right' });
  expect(JSON.parse(right.stdout.trim().split('\n').at(-1)!)).toMatchObject({ success: 3, executed: 3 });
});

test('files of runs, and what is recorded of them, are as private as the shell that submitted wants them, whatever its worker started with', async () => {
  await write({ body: "(await import('node:fs')).writeFileSync('out-' + params.x, '');" });
  // A store that others may read already.
  await project.write({ 'before.ts': experimentText({ properties: "name: 'before'" }) });
  expect((await submitJson(['before.ts'], { cwd: project.folder })).outcome).toMatchObject({ success: 3 });
  expect(modeOf('experiments')).toBe('755');
  const mask = process.umask(0o077);
  try {
    expect((await submit()).outcome).toMatchObject({ success: 3 });
  } finally {
    process.umask(mask);
  }
  expect(modeOf('out-1')).toBe('600');
  // What the worker itself writes of it, as its own umask wants, is in there.
  expect(modeOf('experiments/e@1')).toBe('700');
  const segments = join('experiments', 'e@1', 'segments');
  for (const submission of readdirSync(project.path(segments)))
    for (const name of readdirSync(project.path(join(segments, submission))))
      expect(modeOf(join(segments, submission, name))).toBe('600');
});

const modeOf = (path: string) => (statSync(project.path(path)).mode & 0o777).toString(8);

function filesWith(text: string, ...folders: readonly string[]): string[] {
  const files = folders
    .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(5);
  return files
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => existsSync(path) && readFileSync(path).includes(text));
}

test('runs have the file’s folder as working directory, and a scratch folder that is gone afterwards', async () => {
  const body = `const fs = await import('node:fs');
  fs.writeFileSync(runtime.scratchDir + '/here', 'x');
  capture.metric('cwd', process.cwd());
  capture.metric('read', fs.readFileSync('table.csv', 'utf8'));
  fs.appendFileSync('scratch', runtime.scratchDir + '\\n');
  if (params.x === 2) throw new Error('no');
  if (params.x === 3) process.kill(process.pid, 'SIGKILL');`;
  await write({ body }, { 'table.csv': 'a,b' });
  // From another folder: it is the file's that counts.
  const args = ['submit', project.path('experiment.ts'), '--store', project.store];
  expect((await metalab(args)).code).toBe(1);
  const [first] = await records();
  expect(first!.metrics).toEqual({ cwd: project.folder, read: 'a,b' });
  const scratch = readFileSync(project.path('scratch'), 'utf8').trim().split('\n');
  expect(scratch).toHaveLength(3);
  expect(scratch.filter((folder) => existsSync(folder))).toEqual([]);
});

test('what the operation prints goes to its run’s log, with what it logs', async () => {
  const body = `console.log('printed', params.x); console.error('complained');
  process.stdout.write('in '); process.stdout.write('parts\\n');
  capture.warn('careful'); runtime.logger.debug('detail');`;
  await write({ body });
  const { stdout, stderr } = await submit();
  expect(stdout + stderr).not.toContain('printed');
  const [first] = await records();
  const { stdout: json } = await metalab(['logs', first!.run_id, '--json', '--store', project.store]);
  const lines = (JSON.parse(json) as { level: string; message: string }[]).map(({ level, message }) => [
    level,
    message,
  ]);
  expect(lines).toEqual([
    ['stdout', 'printed 1'],
    ['stderr', 'complained'],
    ['stdout', 'in parts'],
    ['warn', 'careful'],
    ['debug', 'detail'],
  ]);
  expect(first!.warnings).toEqual(['careful']);
});
