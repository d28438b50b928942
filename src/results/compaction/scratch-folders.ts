import { randomBytes } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { faultCode } from '../../storage/file/faults.js';
import { runsFolder } from '../../storage/file/layout.js';
import { isRunning } from '../scratch.js';

/** Everything that a compaction writes until it publishes is in a hidden folder `.compacting-{host}-{pid}-{random}`. */
const NAME = /^\.compacting-(.+)-(\d+)-[0-9a-f]{8}$/;
/** On another host nobody can tell whether a process runs: by its age then. A million runs take half a minute. */
const FOREIGN_MS = 60 * 60 * 1000;

const host = () => hostname().replace(/[^A-Za-z0-9._]/g, '_') || 'host';

/** The path of a new one, of this process: it is not made yet. */
export const newScratchFolder = (folder: string) =>
  join(runsFolder(folder), `.compacting-${host()}-${process.pid}-${randomBytes(4).toString('hex')}`);

/**
 * Removes what compactions that were killed left behind.
 *
 * @returns whether another process is compacting the experiment now
 */
export async function tidyScratchFolders(folder: string): Promise<boolean> {
  const names = await readdir(runsFolder(folder)).catch((error: unknown) => {
    if (faultCode(error) === 'ENOENT') return [];
    throw error;
  });
  let busy = false;
  for (const name of names) {
    const [, itsHost, pid] = NAME.exec(name) ?? [];
    if (itsHost === undefined) continue;
    const path = join(runsFolder(folder), name);
    if (await isInUse(path, itsHost, Number(pid))) busy = true;
    else await rm(path, { recursive: true, force: true });
  }
  return busy;
}

async function isInUse(path: string, itsHost: string, pid: number): Promise<boolean> {
  const entry = await stat(path).catch(() => undefined);
  if (!entry) return false;
  // Whose process id has come again on this host, too, is old some day.
  if (Date.now() - entry.mtimeMs > FOREIGN_MS) return false;
  return itsHost !== host() || isRunning(pid);
}
