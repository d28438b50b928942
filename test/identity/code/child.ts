import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Stands for metalab in bundles that are run here: what is tested is the bundle. */
export const RUNTIME = `export const operation = (spec) => (typeof spec === 'function' ? { run: spec } : spec);
export const experiment = (spec) => spec;
export const grid = (axes) => ({ axes });
export const seeds = (plan) => plan;
const schema = new Proxy(() => schema, { get: () => schema });
export const z = schema;
`;

/** @returns what a Node process of its own prints as JSON by its last line */
export async function runInNode(
  program: string,
  options: { readonly cwd: string; readonly files?: { readonly [name: string]: string } },
): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'metalab bundle '));
  try {
    for (const [name, content] of Object.entries(options.files ?? {}))
      writeFileSync(join(folder, name), content);
    const main = join(folder, 'main.mjs');
    writeFileSync(main, program);
    const { stdout } = await promisify(execFile)(process.execPath, ['--enable-source-maps', main], {
      cwd: options.cwd,
    });
    return JSON.parse(stdout.trim().split('\n').at(-1)!);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
