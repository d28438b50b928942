import { join } from 'node:path';
import { readJson, writeJson } from '../engine/state.js';

/** A progress message, and when it was written: milliseconds as of `Date.now()`, each later than the last. */
export interface ProgressLine {
  readonly line: string;
  readonly at: number;
}

const KEPT = 20;

const progressFile = (folder: string) => join(folder, 'progress.json');

/** Writes a progress message for whoever waits on this machine. */
export function writeProgress(folder: string, line: string): void {
  const before = readProgress(folder);
  const at = Math.max(Date.now(), (before.at(-1)?.at ?? 0) + 1);
  writeJson(progressFile(folder), [...before, { line, at }].slice(-KEPT));
}

/** The last progress message. */
export function readProgress(folder: string): readonly ProgressLine[] {
  const said = readJson(progressFile(folder));
  return Array.isArray(said) ? (said as ProgressLine[]) : [];
}
