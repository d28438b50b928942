import { join } from 'node:path';
import { readJson, writeJson } from '../engine/state.js';

/** A line about what goes on, and when it was said: milliseconds as of `Date.now()`. */
export interface ProgressLine {
  readonly line: string;
  readonly at: number;
}

const KEPT = 20;

const progressFile = (folder: string) => join(folder, 'progress.json');

/** Says what goes on now, for whoever waits for it on this machine. */
export function tellProgress(folder: string, line: string): void {
  writeJson(progressFile(folder), [...readProgress(folder), { line, at: Date.now() }].slice(-KEPT));
}

/** What was said last. */
export function readProgress(folder: string): readonly ProgressLine[] {
  const said = readJson(progressFile(folder));
  return Array.isArray(said) ? (said as ProgressLine[]) : [];
}
