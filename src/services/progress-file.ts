import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from '../engine/state.js';

const progressFile = (folder: string) => join(folder, 'progress.json');

/** Says what goes on now, for whoever waits for it on this machine. */
export const tellProgress = (folder: string, line: string): void => writeJson(progressFile(folder), { line });

/** What was said last, and when: milliseconds as of `Date.now()`. */
export function readProgress(folder: string): { readonly line: string; readonly at: number } | undefined {
  const at = statSync(progressFile(folder), { throwIfNoEntry: false })?.mtimeMs;
  const said = readJson(progressFile(folder)) as { readonly line?: unknown } | undefined;
  return at !== undefined && typeof said?.line === 'string' ? { line: said.line, at } : undefined;
}
