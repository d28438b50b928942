import { dirname, resolve } from 'node:path';

/**
 * Makes the sources of a source map absolute paths, so that stacks point into the user's own files wherever the bundle
 * is. The map is not part of any identity.
 */
export const absoluteSources = (source: string, map: string): string => resolve(dirname(map), source);
