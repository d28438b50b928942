import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';
import type { FileStore } from '../../../src/storage/file/file-store.js';
import { openFileStore } from '../../../src/storage/file/open.js';

/** What people put in names. */
const AWKWARD = `metalab it's "a" [st*re]\n%41 ü `;

/** A folder, removed after the test. */
export function temporaryFolder(prefix = AWKWARD): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  onTestFinished(() => remove(folder));
  return folder;
}

/** A lease that is just being renewed, for one, adds a file while the folder is removed. */
const remove = (folder: string) =>
  rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });

const lasting: string[] = [];

// Registered when a test file imports this: called within a hook, afterAll would be ignored.
afterAll(async () => {
  for (const folder of lasting) await remove(folder);
});

/** A folder, removed after the file's tests. */
export function lastingFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), AWKWARD));
  lasting.push(folder);
  return folder;
}

/** @param prefix how the name of its folder begins */
export const temporaryStore = (prefix?: string): Promise<FileStore> =>
  openFileStore(join(temporaryFolder(prefix), 'store'), { create: true });
