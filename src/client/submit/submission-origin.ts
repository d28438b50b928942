import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname } from 'node:path';
import type { SubmissionOrigin } from '../../storage/manifest.js';
import { readRepositoryPlace } from './git-state.js';

export async function readOrigin(file: string): Promise<SubmissionOrigin> {
  return { host: hostname(), file, ...(await readRepositoryPlace(dirname(file))) };
}

/** For submissions of older versions only the file's folder is known. */
export type KnownOrigin = Partial<SubmissionOrigin> & Pick<SubmissionOrigin, 'file'>;

/** Whether two submissions come from the same project and folder. It stays the same if moved, renamed, cloned or copied. */
export function isSameOrigin(before: KnownOrigin, now: SubmissionOrigin): boolean {
  const folder = dirname(now.file);
  if (before.file === folder || dirname(before.file) === folder) return true;
  const elsewhere = before.host !== undefined && before.host !== now.host;
  if (!elsewhere && !existsSync(before.file)) return true;
  if (before.repository && now.repository)
    return before.repository === now.repository && before.path === now.path;
  return elsewhere && basename(dirname(before.file)) === basename(folder);
}
