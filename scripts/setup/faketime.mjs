import { readdirSync } from 'node:fs';

/** Debian's place of it, on each architecture. */
const PARENT = '/usr/lib';

/** Path of the library that makes a process's wall clock jump; undefined where it isn't installed. */
export function fakeTimeLibrary() {
  for (const architecture of readdirSync(PARENT)) {
    const folder = `${PARENT}/${architecture}/faketime`;
    const found = namesIn(folder).find((name) => name.startsWith('libfaketimeMT.so'));
    if (found) return `${folder}/${found}`;
  }
  return undefined;
}

function namesIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
