import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../support/metalab.js';

const PROGRAM = `"${process.execPath}" "${join(ROOT, 'bin', 'metalab.js')}"`;

/** The command lines of an example's README that call metalab, as they stand there. */
export async function readmeCommands(example: string): Promise<string[]> {
  const readme = await readFile(join(ROOT, 'examples', example, 'README.md'), 'utf8');
  return [...readme.matchAll(/^ {4,7}(npx metalab .*)$/gm)].map(([, line]) => line!);
}

/**
 * Runs such a line in a shell, in another folder than the README's, so that what it writes is not in the way.
 *
 * @param run the run_id that stands for RUN in it
 * @throws where it ends with another code than 0
 */
export async function runReadmeCommand(
  line: string,
  { cwd, store, run }: { readonly cwd: string; readonly store: string; readonly run: string },
): Promise<string> {
  const command = line
    .replace(/^npx metalab/, PROGRAM)
    .replaceAll(' examples/', ` ${join(ROOT, 'examples')}/`)
    .replaceAll('RUN', run);
  const env = { ...process.env, METALAB_STORE: store };
  const { stdout } = await promisify(execFile)('sh', ['-c', command], { cwd, env });
  return stdout;
}
