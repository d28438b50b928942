import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { scriptsWith } from '../client/script.js';
import { ROOT } from '../support/metalab.js';

test("the programs of the README run as written, with its tour's experiment", async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const files = [...readme.matchAll(/```[jt]s\n(\/\/ (\S+\.(?:ts|mjs))\b[\s\S]*?)```/g)];
  const project = await scriptsWith({
    'package.json': '{"type":"module"}',
    ...Object.fromEntries(files.map(([, text, name]) => [name!, text!])),
  });
  const run = async (program: string) => {
    const tsx = join(ROOT, 'node_modules', 'tsx', 'dist', 'cli.mjs');
    return (await promisify(execFile)(process.execPath, [tsx, program], { cwd: project.folder })).stdout;
  };
  const printed = await run('main.mjs');
  expect(printed).toMatch(/executed: 30[\s\S]*\[ 1000000 \] 10 \[[\s\S]*mean: 3\.14/);
  // The best run, a maximum by SQL, and what differs between the best runs.
  expect(printed).toMatch(/\n100000 3\.15[\s\S]*\[ 1000000, 3\.14[\s\S]*\nmetrics pi \[ 3\.15348, /);
  expect(await run('control.mjs')).toMatch(/reused: 0,\s*executed: 30/);
});
