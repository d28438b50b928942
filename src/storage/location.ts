import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../definition/errors.js';
import { maskPassword } from './postgresql/settings.js';

/** The part of a store's uri before `://`; a plain path is of scheme `file`. */
export const schemeOf = (location: string): string =>
  /^([a-z][a-z0-9+.-]+):\/\//i.exec(location)?.[1]?.toLowerCase() ?? 'file';

const EXAMPLES: { readonly [scheme: string]: string } = {
  file: 'a uri such as file:///data/experiments',
  postgresql: 'a uri such as postgresql://user@host/database?file_root=/data/experiments',
  discover: 'the word discover alone',
};

/**
 * The absolute path that a `file://` uri or a plain path means.
 *
 * @throws UsageError where it is a uri of another scheme or host, or one without its slashes
 */
export function pathOf(location: string): string {
  if (location === '') {
    throw new UsageError({
      code: 'METALAB_STORE_LOCATION',
      what: 'the store has no name',
      expected: 'a path or a file:/// uri',
    });
  }
  const almost = /^(file|postgres(?:ql)?|discover):(?!\/\/)/i.exec(location)?.[1]?.toLowerCase();
  if (almost !== undefined)
    throw new UsageError({
      code: 'METALAB_STORE_LOCATION',
      what: `the store ${JSON.stringify(maskPassword(location))} is neither a path nor a uri`,
      expected: EXAMPLES[almost] ?? EXAMPLES.postgresql!,
      next: `a folder of that name is ./${maskPassword(location)}`,
    });
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(location)) return resolve(location);
  try {
    return fileURLToPath(location);
  } catch (error) {
    throw new UsageError(
      {
        code: 'METALAB_STORE_LOCATION',
        what: `the store ${JSON.stringify(location)} can't be a path: ${(error as Error).message}`,
        expected: 'a path such as ./experiments, or a uri such as file:///data/experiments',
      },
      { cause: error },
    );
  }
}
