import { execFile } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { TSC } from '../../scripts/tsc.mjs';
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
    lib: ['esnext'],
  };
  const project = await scriptsWith({
    'package.json': '{"type":"module"}',
    'tsconfig.json': JSON.stringify({ compilerOptions, files: ['main.ts'] }),
    'main.ts': `
      import { connect, experiment, grid, loadConfig, openResults, operation, plotResults, type RunHandle, run, seeds, z } from 'metalab';
      export const op = operation({
        params: z.object({ x: z.number(), opt: z.enum(['sgd', 'adam']).default('sgd') }),
        run: ({ params, capture }) => capture.metric('y', params.x),
      });
      export const sweep = experiment({ name: 'e', version: '1', operation: op, params: grid({ x: [1] }), seeds: seeds({ base: 1 }) });
      export const untyped = experiment({
        name: 'u', version: '1', operation: operation(({ params }) => params.x), params: grid({ x: [1] }), seeds: seeds({ base: 1 }),
      });
      export async function main(): Promise<RunHandle<{ x: number; opt: 'sgd' | 'adam' }>> {
        await loadConfig();
        return (await connect()).submit(sweep);
      }
      export async function results(handle: Awaited<ReturnType<typeof main>>): Promise<number> {
        const all = await run(sweep);
        for await (const { params } of (await handle.result()).where('y', '>', 1).filter({ opt: 'adam', y: 2 }).runs()) {
          // @ts-expect-error there is no such param
          params.lr;
          return params.x + (await all.count());
        }
        // @ts-expect-error x is a number
        all.filter({ x: '1' });
        // @ts-expect-error no operator
        all.where('x', '==', 1);
        await all.groupBy('opt', 'anything').stats('y');
        await plotResults(all, { x: 'x' });
        const [opened] = await Array.fromAsync((await openResults<{ x: number }>('store', 'e')).runs());
        const [own] = await Array.fromAsync((await openResults('store', sweep)).runs());
        const opt: 'sgd' | 'adam' = own!.params.opt;
        const [other] = await Array.fromAsync((await openResults('store', 'u')).runs());
        const json: string = JSON.stringify(other?.params.anything);
        const submitted: RunHandle = await (await connect()).submit(untyped);
        return opened!.params.x + json.length + submitted.store.length + opt.length;
      }`,
  });
  await mkdir(project.path('node_modules/@types'));
  await symlink(join(ROOT, 'node_modules/@types/node'), project.path('node_modules/@types/node'));
  const tsc = join(ROOT, TSC);
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', '.'], {
    cwd: project.folder,
  }).catch((failure: { readonly stdout: string }) => failure);
  expect(stdout).toBe('');
});
