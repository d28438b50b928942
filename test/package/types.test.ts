import { execFile } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { scriptsWith } from '../client/script.js';
import { ROOT } from '../support/metalab.js';

test('a program compiles with skipLibCheck: false: no type of the package leads to declarations that do not', async () => {
  const compilerOptions = {
    noEmit: true,
    strict: true,
    target: 'es2022',
    module: 'nodenext',
    skipLibCheck: false,
    types: ['node'],
    lib: ['es2023'],
  };
  const project = await scriptsWith({
    'package.json': '{"type":"module"}',
    'tsconfig.json': JSON.stringify({ compilerOptions, files: ['main.ts'] }),
    'main.ts': `
      import { connect, experiment, grid, loadConfig, operation, type RunHandle, run, seeds, z } from 'metalab';
      export const op = operation({
        params: z.object({ x: z.number() }),
        run: ({ params, capture }) => capture.metric('y', params.x),
      });
      export const sweep = experiment({ name: 'e', version: '1', operation: op, params: grid({ x: [1] }), seeds: seeds({ base: 1 }) });
      export async function main(): Promise<RunHandle> {
        await run(sweep);
        await loadConfig();
        return (await connect()).submit(sweep);
      }`,
  });
  await mkdir(project.path('node_modules/@types'));
  await symlink(join(ROOT, 'node_modules/@types/node'), project.path('node_modules/@types/node'));
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', '.'], {
    cwd: project.folder,
  }).catch((failure: { readonly stdout: string }) => failure);
  expect(stdout).toBe('');
});
