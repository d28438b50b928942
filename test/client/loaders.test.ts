import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ROOT } from '../support/metalab.js';
import { Project } from '../support/project.js';
import { scriptsWith } from './script.js';

const MODULES = join(ROOT, 'node_modules');

/** Types and an import of its own, so that loaders have something to do. */
const FILES = {
  'twice.ts': 'export const twice = (x: number): number => 2 * x;\n',
  'experiment.ts': `
    import { experiment, grid, operation, seeds } from 'metalab';
    import { twice } from './twice.ts';

    interface Params { x: number }

    export const measure = operation<Params>(({ params, capture }) => capture.metric('y', twice(params.x)));

    export default experiment({
      name: 'loaded', version: '1', operation: measure, params: grid({ x: [1, 2] }), seeds: seeds({ base: 1 }),
    });`,
};
const MAIN = `
  import { run } from 'metalab';
  import sweep from './experiment.ts';
  const main = async (): Promise<void> => console.log(JSON.stringify((await run(sweep, { store: 'experiments' })).outcome));
  await main();`;
const COMPLETED = '"state":"completed","total":2,"reused":0,"executed":2,"success":2';

const execute = promisify(execFile);
const node = (project: Project, args: readonly string[]) =>
  execute(process.execPath, args, { cwd: project.folder, env: { ...process.env, NO_COLOR: '1' } });

const TSX = join(MODULES, 'tsx', 'dist');

test.for([
  ['tsx main.ts', [join(TSX, 'cli.mjs'), 'main.ts']],
  ['node --import tsx main.ts', ['--import', join(TSX, 'esm', 'index.mjs'), 'main.ts']],
] as const)('%s submits what it imports', async ([, args]) => {
  const project = await scriptsWith({ ...FILES, 'package.json': '{"type":"module"}', 'main.ts': MAIN });
  expect((await node(project, args)).stdout).toContain(COMPLETED);
});

test('tsx submits from a project without "type": "module", which it compiles to CommonJS', async () => {
  const project = await scriptsWith({ ...FILES, 'main.ts': MAIN.replace('await main()', 'main()') });
  expect((await node(project, [join(TSX, 'cli.mjs'), 'main.ts'])).stdout).toContain(COMPLETED);
});

test('with --enable-source-maps, which points the stacks of the package at its sources, a program submits', async () => {
  const project = await scriptsWith({
    'experiment.mjs': `
      import { experiment, grid, operation, seeds } from 'metalab';
      export const measure = operation(({ params, capture }) => capture.metric('y', params.x));
      export default experiment({
        name: 'loaded', version: '1', operation: measure, params: grid({ x: [1, 2] }), seeds: seeds({ base: 1 }),
      });`,
    'main.mjs': `
      import { run } from 'metalab';
      import sweep from './experiment.mjs';
      console.log(JSON.stringify((await run(sweep, { store: 'experiments' })).outcome));`,
  });
  expect((await node(project, ['--enable-source-maps', 'main.mjs'])).stdout).toContain(COMPLETED);
});

test('an operation that a function of another module made is found in the module that exports it', async () => {
  const project = await scriptsWith({
    'make.mjs': `
      import { operation } from 'metalab';
      export const scaled = (factor) => operation(({ params, capture }) => capture.metric('y', factor * params.x));`,
    'operations.mjs': `
      import { scaled } from './make.mjs';
      export const double = scaled(2);
      export const triple = scaled(3);`,
    'main.mjs': `
      import { experiment, grid, run, seeds } from 'metalab';
      import { triple } from './operations.mjs';
      const sweep = experiment({
        name: 'made', version: '1', operation: triple, params: grid({ x: [1, 2] }), seeds: seeds({ base: 1 }),
      });
      console.log(JSON.stringify((await run(sweep, { store: 'experiments' })).outcome));`,
  });
  expect((await node(project, ['main.mjs'])).stdout).toContain(COMPLETED);
});

const VITEST_FILES = {
  ...FILES,
  'package.json': '{"type":"module"}',
  'sweep.test.ts': `
    import { expect, test } from 'vitest';
    import { run } from 'metalab';
    import sweep from './experiment.ts';
    test('the sweep succeeds', { timeout: 180_000 }, async () => {
      expect((await run(sweep, { store: 'experiments' })).outcome.success).toBe(2);
    });`,
};

test('tests of vitest submit, where metalab is linked and where it is installed', async () => {
  const linked = await scriptsWith(VITEST_FILES);
  const installed = new Project();
  await installed.write(VITEST_FILES);
  await mkdir(installed.path('node_modules/metalab'), { recursive: true });
  for (const part of ['dist', 'bin', 'package.json'])
    await cp(join(ROOT, part), installed.path(`node_modules/metalab/${part}`), { recursive: true });
  for (const name of await readdir(MODULES))
    if (name !== '.vite') await symlink(join(MODULES, name), installed.path(`node_modules/${name}`));
  await symlink(join(MODULES, 'vitest'), linked.path('node_modules/vitest'));
  for (const project of [linked, installed]) {
    const { stdout } = await node(project, [join(MODULES, 'vitest', 'vitest.mjs'), 'run', '--root', '.']);
    expect(stdout).toMatch(/1 passed/);
  }
});
