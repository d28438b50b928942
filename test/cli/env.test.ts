import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SubmissionManifest } from '../../src/storage/manifest.js';
import { experimentText } from '../support/experiment-text.js';
import { metalab, resultsJson, submitJson } from '../support/metalab.js';
import { projectWith } from '../support/project.js';

const CONFIG = `project.default_env = "here"
[environments.here]
type = "local"
store = "records"
executor.slots = 2
[environments.there]
type = "local"
store = "elsewhere"
`;

const readSubmission = async (store: string, submission: string) =>
  JSON.parse(
    await readFile(join(store, 'e@1', 'submissions', submission, 'submission.json'), 'utf8'),
  ) as SubmissionManifest;

test('init writes a starter that works, refuses to overwrite it, and keeps the local file out of git', async () => {
  const project = await projectWith({ '.gitignore': 'node_modules' });
  const cwd = project.folder;
  const first = await metalab(['init'], { cwd });
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toBe(`wrote .metalab.toml, and .metalab.local.toml into .gitignore
  next: edit it; metalab env list shows its environments, metalab env check NAME tries one
`);
  expect(await readFile(project.path('.gitignore'), 'utf8')).toBe('node_modules\n.metalab.local.toml\n');
  await writeFile(project.path('.metalab.toml'), '# mine');
  const second = await metalab(['init'], { cwd });
  expect(second.stderr).toContain('.metalab.toml: is there already\n  next: edit it');
  expect(second.code).toBe(2);
  expect(await readFile(project.path('.metalab.toml'), 'utf8')).toBe('# mine');
});

test('env list marks the default environment, env show says where each value comes from', async () => {
  const project = await projectWith({
    '.metalab.toml': CONFIG,
    '.metalab.local.toml': '[environments.here]\nexecutor.slots = 3\n',
    'below/file': '',
  });
  const cwd = project.path('below');
  const listed = await metalab(['env', 'list'], { cwd });
  expect(listed.stdout.replaceAll(project.folder, '')).toBe(`   name   type   place         store
   local  local  this machine
*  here   local  this machine  /records
   there  local  this machine  /elsewhere
`);
  const rows = JSON.parse((await metalab(['env', 'list', '--json'], { cwd })).stdout);
  expect(rows[1]).toEqual({
    name: 'here',
    type: 'local',
    place: 'this machine',
    store: project.path('records'),
    used: true,
  });
  const shown = await metalab(['env', 'show', 'here'], { cwd, env: { METALAB_STORE: '/shared' } });
  expect(shown.stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['here'],
    ['key', 'value', 'from'],
    ['type', 'local', '../.metalab.toml:3'],
    ['store', '/shared', 'METALAB_STORE'],
    ['executor.slots', '3', '../.metalab.local.toml:2'],
    [''],
  ]);
  const json = JSON.parse((await metalab(['env', 'show', '--json'], { cwd })).stdout);
  expect(json).toMatchObject({
    environment: { name: 'here', executor: { slots: 3 } },
    files: [project.path('.metalab.toml'), project.path('.metalab.local.toml')],
  });
});

test('env check looks at the configuration, the store and the slots, and says what to do', async () => {
  const project = await projectWith({ '.metalab.toml': CONFIG, records: 'a file' });
  const cwd = project.folder;
  const good = await metalab(['env', 'check', 'there'], { cwd });
  expect(good.code).toBe(0);
  expect(good.stdout).toMatch(
    /^ok {3}configuration: \.metalab\.toml\nok {3}store: .*elsewhere \(not created yet\)/,
  );
  expect(good.stdout).toMatch(/\nok {3}slots: \d+ slots on \d+ cores\n$/);
  const bad = await metalab(['env', 'check', 'here', '--json'], { cwd });
  expect(bad.code).toBe(3);
  expect(JSON.parse(bad.stdout)).toContainEqual({
    name: 'store',
    ok: false,
    detail: `${project.path('records')} is not writable`,
    next: 'fix its permissions, or choose another --store',
  });
  await project.write({ '.metalab.toml': `${CONFIG}slotz = 1` });
  const broken = await metalab(['env', 'check', 'here'], { cwd });
  expect(broken.code).toBe(3);
  expect(broken.stdout).toMatch(
    /^bad {2}configuration: \.metalab\.toml:9: \[environments\.there\] has no key 'slotz'/,
  );
  const unknown = await metalab(['env', 'check', 'her'], { cwd: project.folder });
  expect(unknown.code).toBe(3);
});

test('help fills the lines of the terminal, and a mistake names the help of its own command', async () => {
  const { stdout } = await metalab(['submit', '--help']);
  const [paragraph = ''] = /Evaluates FILE.*?\n\n/s.exec(stdout) ?? [];
  expect(
    Math.min(
      ...paragraph
        .trim()
        .split('\n')
        .slice(0, -1)
        .map((line) => line.length),
    ),
  ).toBeGreaterThan(60);
  expect((await metalab(['env', 'login'])).stderr).toContain('(metalab env login --help says more)');

  const project = await projectWith({ '.metalab.toml': CONFIG });
  const cwd = project.folder;
  const checked = await metalab(['env', 'check'], { cwd });
  expect(checked.stdout).toContain(project.path('records'));
  const unknown = await metalab(['env', 'check', 'cluster'], { cwd });
  expect(unknown.stderr).toContain('next: declare it as [environments.cluster] in .metalab.toml\n');
  const bare = await metalab(['env', 'check', 'cluster'], { cwd: tmpdir() });
  expect(bare.stderr).toContain('metalab init writes one with examples');
});

test("a submit uses the environment's store, and every reading command finds it there", async () => {
  const project = await projectWith({ '.metalab.toml': CONFIG, 'sub/experiment.ts': experimentText() });
  const cwd = project.path('sub');
  const first = await submitJson(['experiment.ts'], { cwd });
  expect(first).toMatchObject({ code: 0, outcome: { success: 3, executed: 3 } });
  const manifest = await readSubmission(project.path('records'), first.outcome!.submission);
  expect(manifest).toMatchObject({
    environment: { name: 'here', type: 'local', store: project.path('records'), executor: { slots: 2 } },
    options: { slots: 2 },
  });
  const described = JSON.parse(await readFile(project.path('records/e@1/experiment.json'), 'utf8'));
  expect(described.environment).toBe('here');
  for (const args of [['status', 'e'], ['results', 'e'], ['list'], ['attach', 'e']]) {
    const { code, stdout } = await metalab([...args, '--json'], { cwd: project.folder });
    expect(code).toBe(0);
    expect(stdout).toMatch(/"success":3|"status":"success"/);
  }
  expect((await metalab(['list', '--env', 'there', '--json'], { cwd })).code).toBe(3);
  const unknown = await metalab(['list', '--env', 'ther', '--store', project.path('records')], { cwd });
  expect(unknown.stderr).toContain("there is no environment 'ther'\n  expected: one of local, here, there\n");
  expect(unknown.code).toBe(2);

  const named = await submitJson(['experiment.ts', '--env', 'there', '--slots', '1'], {
    cwd,
    env: { METALAB_STORE: project.path('variable'), METALAB_SLOTS: '7' },
  });
  expect(named.outcome).toMatchObject({ executed: 3 });
  expect(await readSubmission(project.path('variable'), named.outcome!.submission)).toMatchObject({
    environment: { name: 'there' },
    options: { slots: 1 },
  });
  const [run] = await resultsJson('e', project.path('variable'));
  const retry = [
    'retry',
    'e',
    '--run',
    String(run!.run_id),
    '--env',
    'there',
    '--store',
    '../variable',
    '--json',
  ];
  const retried = await metalab(retry, { cwd, env: { METALAB_SLOTS: '7' } });
  const { submission } = JSON.parse(retried.stdout.trim().split('\n').at(-1)!);
  expect(await readSubmission(project.path('variable'), submission)).toMatchObject({
    environment: { name: 'there', executor: { slots: 7 } },
    options: { slots: 7 },
  });
});

test('a retry runs in the environment of the last submission, as configured then, unless --env names another', async () => {
  const project = await projectWith({
    '.metalab.toml': CONFIG.replace('"elsewhere"', '"records"'),
    'experiment.ts': experimentText({ body: 'throw new Error("no");' }),
  });
  const cwd = project.folder;
  await submitJson(['experiment.ts', '--env', 'there', '--slots', '1'], { cwd });
  const retry = async (...args: string[]) => {
    const { stdout, stderr } = await metalab(['retry', 'e', '--json', ...args], { cwd });
    const { submission } = JSON.parse(stdout.trim().split('\n').at(-1)!);
    return { stderr, ...(await readSubmission(project.path('records'), submission)) };
  };
  expect(await retry()).toMatchObject({
    environment: { name: 'there' },
    options: { slots: 1 },
    stderr: expect.stringContaining("on 'there', as it was configured at the last submit; --env here"),
  });
  expect(await retry('--env', 'here')).toMatchObject({
    environment: { name: 'here' },
    options: { slots: 2 },
  });
});

test('secrets of services are neither kept in the store nor shown', async () => {
  const project = await projectWith({
    '.metalab.toml': CONFIG,
    '.metalab.local.toml': `[environments.here.services.postgres]
password = "hunter2"
[services.postgres]
user = "hunter2"
password = "hunter2"
`,
    'experiment.ts': experimentText(),
  });
  const cwd = project.folder;
  const { outcome } = await submitJson(['experiment.ts'], { cwd });
  expect(outcome).toMatchObject({ success: 3 });
  expect(await readSubmission(project.path('records'), outcome!.submission)).toMatchObject({
    environment: { name: 'here', services: {} },
  });
  const kept = await readdir(project.path('records'), { recursive: true, withFileTypes: true });
  for (const entry of kept.filter((each) => each.isFile()))
    expect(await readFile(join(entry.parentPath, entry.name), 'utf8'), entry.name).not.toContain('hunter2');

  const shown = await metalab(['env', 'show'], { cwd });
  expect(shown.stdout).toMatch(/services\.postgres\.password +\*\*\* +\.metalab\.local\.toml:2/);
  const { stdout } = await metalab(['env', 'show', '--json'], { cwd });
  expect(JSON.parse(stdout)).toMatchObject({
    environment: { services: { postgres: { password: '***' } } },
    services: { postgres: { user: '***', password: '***' } },
  });
  expect(shown.stdout + stdout).not.toContain('hunter2');
});

test('a mistake in the configuration stops only the commands that need it, before anything is evaluated', async () => {
  const project = await projectWith({ '.metalab.toml': CONFIG, 'experiment.ts': experimentText() });
  const cwd = project.folder;
  await submitJson(['experiment.ts'], { cwd });
  await project.write({ '.metalab.toml': 'enviroments.x.type = "local"' });
  for (const args of [['submit', 'experiment.ts', '--store', 'records'], ['results', 'e'], ['list']]) {
    const { code, stderr, stdout } = await metalab(args, { cwd });
    expect(stderr).toMatch(/^error: \.metalab\.toml:1: the file has no key 'enviroments'/);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  }
  expect((await metalab(['results', 'e', '--store', 'records'], { cwd })).code).toBe(0);
});
