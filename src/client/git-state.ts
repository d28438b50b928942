import { execFile } from 'node:child_process';
import type { GitState } from '../storage/manifest.js';

const MOST_DIFF = 256 * 1024;

/** The commit and the uncommitted changes of the repository that a folder is in; null where it is in none. */
export async function readGitState(folder: string): Promise<GitState | null> {
  const [commit, diff] = await Promise.all([
    git(folder, ['rev-parse', 'HEAD']),
    git(folder, ['diff', 'HEAD', '--no-color', '--no-ext-diff']),
  ]);
  if (commit === null) return null;
  const dirty = diff !== null && diff !== '';
  return { commit: commit.trim(), dirty, diff: dirty ? diff.slice(0, MOST_DIFF) : null };
}

function git(folder: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    const options = {
      cwd: folder,
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, GIT_OPTIONAL_LOCKS: '0' },
    };
    execFile('git', args, options, (error, stdout) => resolve(error ? null : stdout));
  });
}
