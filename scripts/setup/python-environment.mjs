// @ts-check
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './root.mjs';
import { SetupError } from './setup-error.mjs';
import { digest } from './stamp.mjs';

export const requirements = join(root, 'scripts', 'setup', 'python-requirements.txt');

const NEXT = 'next: node scripts/setup.mjs deps build python';

/**
 * Where the Python with the packages that read metalab's files is, or is to be: in metalab's cache folder, by the packages'
 * versions.
 *
 * @returns {Promise<{ readonly folder: string, readonly program: string }>}
 */
export async function pythonPlaces() {
  const module = join(root, 'dist', 'access', 'own-folders.js');
  if (!existsSync(module)) throw new SetupError(`the part python needs a build\n  ${NEXT}`);
  const { cacheFolder } = await import(pathToFileURL(module).href);
  const versions = digest([readFileSync(requirements, 'utf8')]).slice(0, 12);
  const folder = join(cacheFolder(), `python-${versions}`);
  return { folder, program: join(folder, 'bin', 'python') };
}

/** The same, where it is there. */
export async function pythonProgram() {
  const { folder, program } = await pythonPlaces();
  if (!existsSync(program)) throw new SetupError(`there is no Python in ${folder}\n  ${NEXT}`);
  return program;
}
