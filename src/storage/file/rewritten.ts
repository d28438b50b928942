import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { writeAtomically } from './atomic-write.js';
import { readText } from './read-json.js';

/**
 * Files of lines only grow, except when runs are deleted, damage is repaired, or a copy fills holes. An index compares lengths,
 * so it can't notice these changes: each of them gives this file a new text.
 */
const rewrittenFile = (folder: string) => join(folder, 'rewritten');

/** Lines in an experiment's folder are about to change in place, or have. */
export const noteRewritten = (folder: string): Promise<void> =>
  writeAtomically(rewrittenFile(folder), randomUUID());

/** @returns another text than before where lines changed in place since; empty where none ever did */
export const readRewritten = async (folder: string): Promise<string> =>
  (await readText(rewrittenFile(folder))) ?? '';
