import { mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { replaceFile } from './replace-file.js';

/** The stores that the user trusts even if others can change them: real paths, one per line. In the state folder. */
const fileIn = (home: string) => join(home, 'trusted-stores');

export function isTrustedStore(home: string, root: string): boolean {
  return readTrusted(home).includes(realPathOf(root));
}

/** @returns all that are trusted now */
export function trustStore(home: string, root: string, trusted: boolean): readonly string[] {
  const path = realPathOf(root);
  const others = readTrusted(home).filter((each) => each !== path);
  const stores = trusted ? [...others, path] : others;
  const file = fileIn(home);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  replaceFile(file, stores.map((each) => `${each}\n`).join(''));
  return stores;
}

function readTrusted(home: string): string[] {
  try {
    return readFileSync(fileIn(home), 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

function realPathOf(root: string): string {
  try {
    return realpathSync(root);
  } catch {
    return root;
  }
}
