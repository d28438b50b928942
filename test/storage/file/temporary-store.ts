import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type FileStore, openFileStore } from '../../../src/storage/file/open.js';

/** A folder with what people put in names, removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), `metalab it's "a" [st*re]\n%41 ü `));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const temporaryStore = (): Promise<FileStore> =>
  openFileStore(join(temporaryFolder(), 'store'), { create: true });
