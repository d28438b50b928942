import { execFile } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import type { GitState } from '../../storage/manifest.js';

const MAX_DIFF = 256 * 1024;
const MAX_UNTRACKED = 50;

/**
 * The commit of a folder's repository, and the changes that are not in it; null if the folder is in none.
 *
 * @param reached files that the operation reaches, relative to the folder or absolute: untracked ones are changes
 */
export async function readGitState(folder: string, reached: readonly string[]): Promise<GitState | null> {
  const repository = await git(folder, ['rev-parse', '--show-toplevel', 'HEAD']);
  if (repository === null) return null;
  const [, top, commit] = /^(.*)\n(.+)\n$/s.exec(repository)!;
  const [diff, tracked] = await Promise.all([
    git(folder, ['diff', 'HEAD', '--no-color', '--no-ext-diff']),
    git(folder, ['ls-files', '-z', '--full-name', ':/']),
  ]);
  const untracked = untrackedOf(folder, reached, top!, new Set(tracked?.split('\0')));
  const changed = diff !== null && diff !== '';
  return {
    commit: commit!,
    dirty: changed || untracked.length > 0,
    diff: changed ? diff.slice(0, MAX_DIFF) : null,
    ...(untracked.length > 0 ? { untracked: untracked.slice(0, MAX_UNTRACKED) } : {}),
  };
}

/** Ignored files and files outside the repository are in no commit of it either. */
function untrackedOf(
  folder: string,
  reached: readonly string[],
  top: string,
  tracked: ReadonlySet<string>,
): string[] {
  const base = realpathSync(folder);
  return [...new Set(reached.map((file) => resolve(base, file)))]
    .filter((file) => existsSync(file) && !tracked.has(relative(top, file).split(sep).join('/')))
    .map((file) => relative(base, file))
    .sort();
}

/** A folder's position in its repository: the same for every clone. */
export interface RepositoryPlace {
  /** `host/path` of the remote `origin`, without a login. */
  readonly repository: string;
  readonly path: string;
}

/** @returns null if the folder is in no repository, or that has no remote */
export async function readRepositoryPlace(folder: string): Promise<RepositoryPlace | null> {
  const prefix = await git(folder, ['rev-parse', '--show-prefix']);
  if (prefix === null) return null;
  const url = await git(folder, ['config', '--get', 'remote.origin.url']);
  if (url === null) return null;
  return { repository: plainRemote(url.trim()), path: prefix.trim() };
}

/** `git@host:a/b.git` and `https://token@host/a/b` are the same, and a token must not get into the store. */
export function plainRemote(url: string): string {
  const scp = /^(?:[^@/]+@)?([^:/]+):(?!\/\/)(.+)$/.exec(url);
  const uri = /^[a-z+]+:\/\/(?:[^@/]*@)?(.+)$/i.exec(url);
  const plain = uri ? uri[1]! : scp ? `${scp[1]}/${scp[2]}` : url;
  return plain.replace(/\/+$/, '').replace(/\.git$/, '');
}

/** @returns its output; null if it failed */
function git(cwd: string, args: readonly string[]): Promise<string | null> {
  const env = { ...process.env, GIT_OPTIONAL_LOCKS: '0' };
  return promisify(execFile)('git', args, { cwd, env, maxBuffer: 64 * 1024 * 1024 }).then(
    ({ stdout }) => stdout,
    () => null,
  );
}
