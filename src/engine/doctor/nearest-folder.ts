import { existsSync } from 'node:fs';
import { dirname } from 'node:path';

/** The path itself, or the first of its parents that exists. */
export const nearestFolder = (path: string): string =>
  existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path));
