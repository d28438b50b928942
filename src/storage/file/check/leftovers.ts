import { opendir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckOptions, Finding } from './finding.js';

/** What is written so long ago, nobody is writing any more. */
const LEFT_AFTER_MS = 60 * 60_000;

/** Names of files that are renamed to their final ones when they are whole. Older versions named artifacts' `.tmp-…`. */
export const isTemporary = (name: string): boolean =>
  name.startsWith('.') && (name.endsWith('.tmp') || name.startsWith('.tmp-'));

/** A temporary file whose writer was killed, else undefined. */
export async function leftover(
  path: string,
  { alone }: Pick<CheckOptions, 'alone'>,
): Promise<Finding | undefined> {
  const entry = await stat(path).catch(() => undefined);
  if (!entry || (!alone && Date.now() - entry.mtimeMs < LEFT_AFTER_MS)) return undefined;
  const what = entry.isDirectory() ? 'a temporary folder' : `a temporary file of ${entry.size} bytes`;
  return removable(path, `${what}: its writer was killed`);
}

/** The finding of a file that nothing needs. */
export const removable = (path: string, what: string): Finding => ({
  severity: 'warning',
  kind: 'leftover',
  path,
  what,
  costs: 'room on the disk',
  remedy: '--repair removes it',
  repair: {
    run: async () => {
      await rm(path, { recursive: true, force: true });
      return 'removed';
    },
  },
});

/** Temporary files in a folder, and in those below it, as deep as metalab makes them; not in artifacts/, which is large. */
export async function* findLeftovers(
  folder: string,
  options: Pick<CheckOptions, 'alone'>,
  depth: number,
): AsyncGenerator<Finding> {
  const entries = await opendir(folder).catch(() => undefined);
  if (!entries) return;
  for await (const entry of entries) {
    const path = join(folder, entry.name);
    if (isTemporary(entry.name)) {
      const finding = await leftover(path, options);
      if (finding) yield finding;
    } else if (entry.isDirectory() && depth > 0 && entry.name !== 'artifacts')
      yield* findLeftovers(path, options, depth - 1);
  }
}
