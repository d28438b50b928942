import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { calledAs, commandNamer } from '../../src/cli/terminal/invocation.js';
import { experimentText } from '../support/experiment-text.js';
import { metalab, ROOT } from '../support/metalab.js';
import { projectWith } from '../support/project.js';

const NPX = 'npm/10.8.2 node/v22.12.0 linux x64 workspaces/false';

test('hints and errors name metalab as it was called', () => {
  const at = (script: string, env = {}) => calledAs({ script, cwd: '/lab/sweeps', env });
  const local = '/lab/node_modules/.bin/metalab';
  expect(at(local, { npm_config_user_agent: NPX })).toBe('npx metalab');
  expect(at(local, { npm_config_user_agent: 'pnpm/9.1.0 npm/? node/v22.12.0' })).toBe('pnpm exec metalab');
  expect(at(local, { PATH: '/usr/bin:/lab/node_modules/.bin' })).toBe('metalab');
  expect(at('/lab/sweeps/node_modules/.bin/metalab')).toBe('node_modules/.bin/metalab');
  expect(at(local)).toBe(local);
  expect(at('/usr/local/bin/metalab', { PATH: '/usr/local/bin', npm_config_user_agent: NPX })).toBe(
    'metalab',
  );
});

test('only commands are renamed, and none twice', () => {
  const named = commandNamer(['submit', 'env', 'status'], 'npx metalab');
  expect(named('`metalab submit` makes one; metalab env login c; npx metalab status')).toBe(
    '`npx metalab submit` makes one; npx metalab env login c; npx metalab status',
  );
  expect(named('metalab starts a server; /opt/metalab submit')).toBe(
    'metalab starts a server; /opt/metalab submit',
  );
});

test('a hint that is copied works: as it was called, and with the store that was named', async () => {
  const project = await projectWith({ 'experiment.ts': experimentText() });
  mkdirSync(project.path('node_modules/.bin'), { recursive: true });
  symlinkSync(`${ROOT}bin/metalab.js`, project.path('node_modules/.bin/metalab'));
  const { stdout, stderr } = await finished(
    spawn(
      process.execPath,
      ['node_modules/.bin/metalab', 'submit', 'experiment.ts', '--store', 'my results'],
      {
        cwd: project.folder,
        env: { ...process.env, NO_COLOR: '1', npm_config_user_agent: NPX },
      },
    ),
  );
  const hint = / results: npx (metalab results \S+ --store '[^']+')/.exec(stdout)?.[1];
  expect(hint, stderr + stdout).toBe("metalab results e:1 --store 'my results'");
  const copied = await finished(
    spawn('sh', ['-c', `node_modules/.bin/${hint}`], { cwd: project.folder, env: process.env }),
  );
  expect(copied.stdout).toMatch(/^x +/);
});

test('nothing is cut where the output is no terminal', async () => {
  const message = 'the solver did not converge: '.repeat(8).trim();
  const text = experimentText({ body: `throw new Error(${JSON.stringify(message)});` });
  const project = await projectWith({ 'experiment.ts': text });
  await metalab(['submit', 'experiment.ts'], { cwd: project.folder });
  const { stdout } = await metalab(['results', 'e', '--columns', 'run_id,error'], { cwd: project.folder });
  expect(stdout).toContain(message);
});

function finished(child: ReturnType<typeof spawn>) {
  const output = { stdout: '', stderr: '' };
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  return new Promise<typeof output>((resolve) => child.once('close', () => resolve(output)));
}
