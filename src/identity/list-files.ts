import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import picomatch from 'picomatch';
import type { DirRule } from '../definition/context.js';
import type { Problem } from '../definition/errors.js';

export interface ListedFiles {
  /** Relative to the folder, with `/` as separator, sorted by code units, so the same on every machine. */
  readonly paths: readonly string[];
  /** Folders and links that can't be read. */
  readonly problems: readonly Problem[];
}

/**
 * Every file below a folder. Links to files and folders are followed, except links to a folder above them, which would
 * never end.
 *
 * @param options.pattern a glob, matched against the relative path; without it every file counts
 * @param options.rule see {@link DirRule}
 * @param options.skip names of folders to leave out
 */
export function listFiles(
  folder: string,
  options: {
    readonly pattern?: string | undefined;
    readonly rule?: DirRule | undefined;
    readonly skip?: ReadonlySet<string>;
  } = {},
): ListedFiles {
  const { pattern, rule, skip = new Set<string>() } = options;
  const matches = matcherOf(pattern, rule);
  const isSkipped = (path: string) => rule === 2 && isLeftOut(path, pattern);
  const paths: string[] = [];
  const problems: Problem[] = [];

  const visit = (relative: string, ancestors: ReadonlySet<string>) => {
    const place = join(folder, relative);
    try {
      const real = realpathSync(place);
      if (ancestors.has(real)) return;
      const inside = new Set([...ancestors, real]);
      for (const name of readdirSync(place)) {
        const path = relative ? `${relative}/${name}` : name;
        const kind = kindOf(join(folder, path));
        if (kind === 'folder' && !(skip.has(name) || isSkipped(path))) visit(path, inside);
        else if (kind === 'file' && matches(path)) paths.push(path);
        else if (kind instanceof Error && matches(path)) problems.push(unreadable(join(folder, path), kind));
      }
    } catch (error) {
      problems.push(unreadable(place, error));
    }
  };
  visit('', new Set());
  return { paths: paths.sort(), problems };
}

/** Whether a file with this relative path counts. */
export function matcherOf(pattern: string | undefined, rule?: DirRule): (path: string) => boolean {
  const matches = pattern === undefined ? () => true : picomatch(pattern);
  return rule === 2 ? (path) => matches(path) && !isLeftOut(path, pattern) : matches;
}

/** Sockets, pipes and devices don't count: reading them may never end. */
function kindOf(path: string): 'file' | 'folder' | 'other' | Error {
  try {
    const stat = statSync(path);
    return stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : 'other';
  } catch (error) {
    return error as Error;
  }
}

/** Describes why a path can't be read. */
export function unreadable(path: string, error: unknown): Problem {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return {
        where: path,
        what: 'does not exist',
        expected: 'a file that can be read',
        next: 'check the path',
      };
    case 'EACCES':
    case 'EPERM':
      return {
        where: path,
        what: 'may not be read',
        expected: 'read permission',
        next: `chmod u+r '${path}'`,
      };
    case 'ELOOP':
      return {
        where: path,
        what: 'is a link that leads to itself',
        expected: 'a file',
        next: 'correct the link',
      };
    default:
      return { where: path, what: `can't be read: ${message}`, expected: 'a file that can be read' };
  }
}

/**
 * Files and folders that systems, editors and programs create by themselves: their names, each with the text that a
 * pattern must contain to include them.
 */
const LEFT_OUT: readonly { readonly name: RegExp; readonly named: string }[] = [
  { name: /^\.DS_Store$/, named: '.DS_Store' },
  { name: /^\._/, named: '._' },
  { name: /^(?:Thumbs|ehthumbs)\.db$/i, named: 'thumbs.db' },
  { name: /^desktop\.ini$/i, named: 'desktop.ini' },
  { name: /~$/, named: '~' },
  { name: /^\..*\.sw[a-p]$/, named: '.sw' },
  { name: /^\.nfs[0-9a-f]+$/, named: '.nfs' },
  { name: /^__pycache__$/, named: '__pycache__' },
  { name: /^\.ipynb_checkpoints$/, named: '.ipynb_checkpoints' },
  { name: /^\.git$/, named: '.git' },
];

/**
 * Whether rule 2 leaves a path out of a folder's data: a part of it is in the list above, and the pattern does not name it.
 *
 * @param path relative, with `/` between
 */
function isLeftOut(path: string, pattern = ''): boolean {
  const asked = pattern.toLowerCase();
  return path
    .split('/')
    .some((part) =>
      LEFT_OUT.some(({ name, named }) => name.test(part) && !asked.includes(named.toLowerCase())),
    );
}
