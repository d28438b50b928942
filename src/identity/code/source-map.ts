import { dirname, resolve } from 'node:path';

/**
 * Sources of a source map as absolute paths: stacks then point into the user's own files, wherever the bundle is moved.
 * The map is no part of any identity.
 */
export const absoluteSources = (source: string, map: string): string => resolve(dirname(map), source);
