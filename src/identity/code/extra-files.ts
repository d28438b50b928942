import { readFileSync, statSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import picomatch from 'picomatch';
import { DefinitionError, type Problem } from '../../definition/errors.js';
import { sha256 } from '../fingerprint.js';
import { listFiles, unreadable } from '../list-files.js';

const SKIPPED = new Set(['node_modules', '.git']);

/**
 * The files that an experiment's `code: [...]` names, with the SHA-256 of each. Their paths count too, because the
 * operation finds them by path.
 *
 * @param patterns globs relative to `base`, with `/` as separator; `..` may lead out of it
 * @returns hashes by path relative to `base`
 * @throws DefinitionError naming every pattern that matches nothing, and every file that can't be read
 */
export function hashExtraFiles(base: string, patterns: readonly string[]): { [path: string]: string } {
  const problems: Problem[] = [];
  const hashes = new Map<string, string>();
  for (const pattern of patterns) {
    const files = matching(base, pattern);
    if (files.length === 0) {
      problems.push({
        where: `code: '${pattern}'`,
        what: `matches no file in ${base}`,
        expected: "a path or glob relative to the experiment file's folder",
        next: "check the pattern; '**/' reaches into folders below",
      });
    }
    for (const file of files) {
      try {
        hashes.set(relative(base, file).split(sep).join('/'), sha256(readFileSync(file)));
      } catch (error) {
        problems.push(unreadable(file, error));
      }
    }
  }
  if (problems.length > 0) throw new DefinitionError(problems);
  return Object.fromEntries([...hashes].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The files that an experiment's `code: [...]` names.
 *
 * @returns absolute paths, each once, sorted
 */
export const listExtraFiles = (base: string, patterns: readonly string[]): string[] =>
  [...new Set(patterns.flatMap((pattern) => matching(base, pattern)))].sort();

function matching(base: string, pattern: string): string[] {
  const { base: start, glob } = picomatch.scan(pattern);
  const folder = resolve(base, start);
  if (glob)
    return listFiles(folder, { pattern: glob, skip: SKIPPED }).paths.map((path) => resolve(folder, path));
  return statSync(folder, { throwIfNoEntry: false })?.isFile() ? [folder] : [];
}
