import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { TSC } from '../../scripts/tsc.mjs';
import { ROOT } from '../support/metalab.js';
import { Project } from '../support/project.js';
import { apart } from '../support/test-server.js';

const EXPERIMENT = `
import { experiment, grid, operation, seeds, z } from 'metalab';

export const square = operation({
  params: z.object({ x: z.number(), unit: z.enum(['m', 's']) }),
  run({ params, seeds, capture, runtime }) {
    const x: number = params.x;
    // @ts-expect-error: what the schema does not have, params have not.
    params.y;
    // @ts-expect-error: a unit is a text.
    const unit: number = params.unit;
    const seed: bigint = seeds.derive('noise');
    capture.metrics({ area: x * x, seed: String(seed), unit: String(unit), run: runtime.runId });
  },
});

export default experiment({
  name: 'packed',
  version: '1',
  operation: square,
  params: grid({ x: [1, 2, 3], unit: ['m'] }),
  seeds: seeds({ base: 1, replicates: 2 }),
});`;

const CLIENT = `
import { connect, run, type SubmissionOutcome } from 'metalab';
import packed from './experiment.js';

// No name of Node's: metalab's types need no @types/node in the project.
export async function main(seen: unknown[]): Promise<SubmissionOutcome> {
  const lab = await connect();
  const handle = await lab.submit(packed, { store: 'experiments', slots: 2 });
  for await (const event of handle.events()) {
    if (event.type === 'run_finished') seen.push(event.record.metrics.area);
    if (event.type === 'log') seen.push(event.line.message);
  }
  await lab.close();
  const results = await run(packed);
  for await (const row of results.limit(1).rows()) seen.push(row);
  return results.outcome;
}`;

test('what npm pack makes works in an empty project: its command, its types, and nothing of this machine in it', {
  timeout: 720_000,
}, async () => {
  const project = new Project();
  await project.write({
    'package.json': JSON.stringify({ name: 'lab', private: true }),
    'experiment.ts': EXPERIMENT,
    'client.ts': CLIENT,
  });
  await npm(ROOT, ['pack', '--ignore-scripts', '--pack-destination', project.folder]);
  const tarball = (await readdir(project.folder)).find((name) => name.endsWith('.tgz'))!;
  await npm(project.folder, ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`]);

  const installed = project.path('node_modules/metalab');
  const files = (await readdir(installed, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  const top = new Set(
    files.map(
      (entry) =>
        join(entry.parentPath, entry.name)
          .slice(installed.length + 1)
          .split('/')[0],
    ),
  );
  expect([...top].filter((name) => !['bin', 'dist', 'docs'].includes(name!)).sort()).toEqual(
    expect.arrayContaining(['README.md', 'package.json']),
  );
  expect([...top]).not.toContain('src');
  expect([...top]).not.toContain('test');
  for (const { parentPath, name } of files)
    expect(await pathsOfThisMachine(join(parentPath, name)), name).toEqual([]);

  for (const [moduleResolution, compiler] of [
    ['nodenext', 'node_modules/typescript/bin/tsc'],
    ['bundler', TSC],
  ] as const) {
    const { stdout } = await typeCheck(project, moduleResolution, compiler);
    expect(stdout, moduleResolution).toBe('');
  }

  // A home of its own, so that the worker is the installed package's too.
  const env = { ...process.env, ...(await apart(project.path('home'))) };
  const npx = (args: readonly string[]) =>
    npm(project.folder, ['exec', '--offline', '--', 'metalab', ...args], env);
  onTestFinished(async () => {
    await npx(['engine', 'stop']);
  });
  const submitted = await npx(['submit', 'experiment.ts', '--json']);
  expect(JSON.parse(submitted.stdout.trim().split('\n').at(-1)!)).toMatchObject({
    total: 6,
    executed: 6,
    success: 6,
  });
  const results = await npx(['results', 'packed', '--json']);
  expect(JSON.parse(results.stdout)).toHaveLength(6);
});

const run = promisify(execFile);

const npm = (cwd: string, args: readonly string[], env = process.env) =>
  run('npm', args, { cwd, env: { ...env, npm_config_loglevel: 'error' } });

/** Compiles with a TypeScript of this clone, as `tsc --init` sets it up. */
async function typeCheck(project: Project, moduleResolution: string, compiler: string) {
  const compilerOptions = {
    noEmit: true,
    strict: true,
    target: 'es2022',
    module: moduleResolution === 'bundler' ? 'esnext' : 'nodenext',
    moduleResolution,
    skipLibCheck: true,
    lib: ['es2023'],
    types: [],
  };
  await project.write({
    'tsconfig.json': JSON.stringify({ compilerOptions, files: ['client.ts', 'experiment.ts'] }),
  });
  return run(process.execPath, [join(ROOT, compiler), '-p', '.'], { cwd: project.folder }).catch(
    (failure: { readonly stdout: string }) => failure,
  );
}

/** This clone's folder, in the file or in source maps that lie in it as base64. */
async function pathsOfThisMachine(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8');
  const maps = [...text.matchAll(/base64,([\w+/=]{100,})/g)].map(([, map]) =>
    Buffer.from(map!, 'base64').toString(),
  );
  return [text, ...maps].flatMap((part) =>
    part.includes(ROOT) ? [part.slice(part.indexOf(ROOT)).slice(0, 100)] : [],
  );
}
