import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InfrastructureError } from '../definition/errors.js';

/** The folder of the package that contains this code, whether it runs from src/ or from dist/. */
export function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/**
 * The content hash of this build: a worker of another build must not execute this build's work.
 *
 * @throws InfrastructureError (METALAB_NOT_BUILT) in a clone that has not been built
 */
export function readBuild(): string {
  const file = join(packageFolder(), 'dist', 'build-id');
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new InfrastructureError(
      {
        code: 'METALAB_NOT_BUILT',
        what: `metalab has not been built: there is no ${file}`,
        next: 'run `node scripts/setup.mjs deps build`',
      },
      { cause: error },
    );
  }
}
