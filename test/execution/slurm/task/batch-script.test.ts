import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { lastRestart } from '../../../../src/execution/slurm/collect/task-outputs.js';
import { type BatchScriptOptions, batchScript } from '../../../../src/execution/slurm/task/batch-script.js';
import { EXIT } from '../../../../src/execution/slurm/task/exit-codes.js';

/** What a node's programs do, as shell lines. */
type Programs = { readonly [name: string]: string };

const ANSWERS = (version: string) =>
  `[ "$1" = --version ] && { echo ${version}; exit; }; echo "node ${version}: $*"; echo "TOKEN=$TOKEN"`;

/** Runs the script as Slurm does, on a node that has nothing but what the test gives it. */
function run(
  options: Partial<BatchScriptOptions> & { readonly profile?: string },
  programs: Programs = {},
  shipped?: string,
) {
  const root = mkdtempSync(join(tmpdir(), "metalab node's "));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const put = (folder: string, name: string, lines: string) => {
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, name), `#!/bin/bash\n${lines}\n`);
    chmodSync(join(root, folder, name), 0o755);
    return join(root, folder, name);
  };
  mkdirSync(join(root, 'bin'));
  for (const [name, lines] of Object.entries(programs)) put('bin', name, lines);
  // A login shell takes its PATH from the profile.
  writeFileSync(join(root, '.bash_profile'), `PATH="$HOME/bin:$HOME/system"\n${options.profile ?? ''}\n`);
  put('system', 'hostname', 'echo n1');
  const node = shipped === undefined ? null : put('node dir', 'node', shipped);
  const full = { modules: [], setup: [], array: "/spool/it's", runtime: '/spool/a b', node, ...options };
  writeFileSync(join(root, 'batch.sh'), batchScript(full));
  const { status, stdout, stderr } = spawnSync('/bin/bash', ['-l', join(root, 'batch.sh')], {
    env: { HOME: root, PATH: '/nowhere' },
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}

describe("the script of a task becomes the task's program", () => {
  test.each(['v20.19.0', 'v20.20.2', 'v22.12.0', 'v24.0.1'])("with the node's own Node %s", (version) => {
    const { code, stdout } = run({}, { node: ANSWERS(version) }, ANSWERS('v1.0.0'));
    expect(stdout).toContain(`node ${version}: /spool/a b/task.mjs /spool/it's`);
    expect(code).toBe(0);
  });

  test.each(['v18.20.0', 'v20.18.3', 'v21.7.0', 'v22.11.0', 'nonsense'])(
    'with the shipped one where its own is %s',
    (version) => {
      const { stdout } = run({}, { node: ANSWERS(version) }, ANSWERS('v20.20.2'));
      expect(stdout).toContain("node v20.20.2: /spool/a b/task.mjs /spool/it's");
    },
  );

  test('after the lines of the set-up, in the environment that they made', () => {
    const setup = ['if true; then', '  export TOKEN=abc', 'fi', 'cd /'];
    expect(run({ setup }, { node: ANSWERS('v20.20.2') }).stdout).toContain('TOKEN=abc');
  });

  test.each([
    ['the one that the login has', 'export LC_ALL=C METALAB_LC_ALL=de_DE.UTF-8', 'de_DE.UTF-8'],
    ['none where the login has none', 'export LC_ALL=C METALAB_LC_ALL=', 'none'],
    ['what the profile on the node says', 'export LC_ALL=sv_SE.UTF-8 METALAB_LC_ALL=', 'sv_SE.UTF-8'],
  ])('in the language of the user, not of metalab: %s', (_, profile, locale) => {
    const node = `${ANSWERS('v20.20.2')}; echo "LC_ALL=\${LC_ALL-none} \${METALAB_LC_ALL-gone}"`;
    expect(run({ profile }, { node }).stdout).toContain(`LC_ALL=${locale} gone`);
  });

  test('saying so where Slurm has queued it again, before anything is set up', () => {
    const setup = ['echo setting up'];
    const again = run({ setup, profile: 'SLURM_RESTART_COUNT=2' }, { node: ANSWERS('v20.20.2') }).stdout;
    expect(again).toMatch(/^metalab: task begins again, restart 2\nsetting up\n/);
    expect(lastRestart(`${again}metalab: done\n`)).toBe(2);
    const first = run({ setup }, { node: ANSWERS('v20.20.2') }).stdout;
    expect(first).toMatch(/^setting up\n/);
    expect(lastRestart(first)).toBe(0);
  });

  test('after modules and conda, whatever fails inside of them', () => {
    const profile = `module() { false; LOADED="$LOADED $2"; }`;
    const conda = `echo 'conda() { false; CONDA_DEFAULT_ENV=$2; }'`;
    const setup = ['[ "$CONDA_DEFAULT_ENV" = "my env" ]', `[ "$LOADED" = " gcc/12 it's" ]`];
    const options = { modules: ['gcc/12', "it's"], conda_env: 'my env', setup, profile };
    const { code, stderr } = run(options, { node: ANSWERS('v20.20.2'), conda });
    expect(stderr).not.toContain('metalab:');
    expect(code).toBe(0);
  });
});

describe('the script of a task says what failed, by its own code', () => {
  test.each<[string, Partial<BatchScriptOptions>, string]>([
    ['a module that is not there', { modules: ['gcc/99'] }, 'module load gcc/99 (exit code 127)'],
    ['a conda environment that is not there', { conda_env: 'nope' }, 'conda activate nope (exit code 127)'],
    [
      'a line of the set-up',
      { setup: ['true', 'false', 'echo not reached'] },
      'the set-up of the task failed: false (exit code 1)',
    ],
    ['a line that leaves', { setup: ['exit 7'] }, '(exit code 7)'],
    ['a line that leaves as if all was well', { setup: ['exit 0'] }, '(exit code 0)'],
    ['lines that are no shell script', { setup: ['if true; then'] }, ''],
  ])('%s', (_, options, message) => {
    const { code, stdout, stderr } = run(options, { node: ANSWERS('v20.20.2') });
    expect(stdout).not.toContain('node v20');
    expect(stdout).not.toContain('not reached');
    if (message) expect(stderr).toContain(message);
    if (message) expect(code).toBe(EXIT.setup);
    expect(code).not.toBe(0);
  });

  test('no Node at all', () => {
    const { code, stderr } = run({});
    expect(code).toBe(EXIT.noNode);
    expect(stderr).toMatch(/^metalab: there is no suitable Node .* load a module that has Node 20\.19/m);
  });

  test('a C library that is too old for the shipped one', () => {
    const loader =
      'echo "node: /lib64/libc.so.6: version \\`GLIBC_2.28\' not found (required by node)" >&2; echo more; exit 1';
    const { code, stderr } = run({}, {}, loader);
    expect(code).toBe(EXIT.oldLibrary);
    expect(stderr).toMatch(
      /^metalab: the C library of n1 is too old .*: node: \/lib64.*GLIBC_2\.28' not found.*; load a module/m,
    );
    expect(stderr).not.toContain('more');
  });

  test('a shipped one that can not be started', () => {
    const { code, stderr } = run({ node: '/nowhere/node' });
    expect(code).toBe(EXIT.noNode);
    expect(stderr).toMatch(/metalab: the Node that metalab ships does not run on n1: .*No such file/);
  });
});

test('names never become commands, and control characters are refused', () => {
  const nasty = '$(touch /tmp/never) `touch /tmp/never` "; exit 3 #';
  const { stderr } = run({ modules: [nasty] }, { node: ANSWERS('v20.20.2') });
  expect(stderr).toContain(`the set-up of the task failed: module load ${nasty}`);
  expect(() =>
    batchScript({
      modules: ['a\nrm -rf x'],
      conda_env: 'b\0',
      setup: [],
      array: '/a',
      runtime: '/r',
      node: null,
    }),
  ).toThrow(/executor\.modules\[0\].*control characters[\s\S]*executor\.conda_env/);
});
