import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';
import { type FileStore, openFileStore } from '../../../src/storage/file/open.js';

/** A folder with what people put in names, removed after the test. */
export function temporaryFolder(): string {
  const folder = makeFolder();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The same, removed after the file's tests. */
export function lastingFolder(): string {
  const folder = makeFolder();
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const makeFolder = () => mkdtempSync(join(tmpdir(), `metalab it's "a" [st*re]\n%41 ü `));

export const temporaryStore = (): Promise<FileStore> =>
  openFileStore(join(temporaryFolder(), 'store'), { create: true });
