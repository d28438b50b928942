import { mkdtempSync, rmSync } from 'node:fs';
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
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const lasting: string[] = [];

// Registered when a test file imports this: called within a hook, afterAll would be ignored.
afterAll(() => {
  for (const folder of lasting) rmSync(folder, { recursive: true, force: true });
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
