import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PythonImport } from '../../../src/client/import-python/import-python.js';
import { metalab } from '../../support/metalab.js';

const WRITER = fileURLToPath(new URL('write-python-store.py', import.meta.url));

/** Has Python write a store into the folder. @returns what it prints */
export const writePythonStore = (folder: string, ...what: readonly string[]): string =>
  execFileSync('python3', [WRITER, folder, ...what], { encoding: 'utf8' });

export interface ImportReport extends PythonImport {
  readonly store: string;
}

/** @throws if it does not exit with 0 */
export async function importPython(from: string, store: string): Promise<ImportReport> {
  const { code, stdout, stderr } = await metalab(importArguments(from, store));
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as ImportReport;
}

export const importArguments = (from: string, store: string): string[] => [
  ...['store', 'import', '--from-python', from],
  ...['--store', store, '--json'],
];

/** A derived metric of all runs, in the order of cells. */
export async function derivedOf(
  store: string,
  experiment: string,
  name: string,
): Promise<Record<string, unknown>[]> {
  const sql = `SELECT "derived.${name}" AS "${name}" FROM runs ORDER BY "index"`;
  const { stdout, stderr } = await metalab(['query', sql, experiment, '--store', store, '--json']);
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Every file of a folder with its hash: equal where nothing was changed. */
export function hashesIn(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort()
      .map((path) => [path, createHash('sha256').update(readFileSync(path)).digest('hex')]),
  );
}
