import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** How names begin in folders that are not metalab's own. */
export const TEMPORARY = 'metalab-';

/** This process, in names of what it may leave behind when it is killed: `{place}-{pid}`. */
export const ownerName = (): string => `${place()}-${process.pid}`;

/** A name of its own for something temporary: `{place}-{pid}-{random}`. */
export const temporaryName = (): string => `${ownerName()}-${randomBytes(6).toString('hex')}`;

/** A hidden file beside another, to be renamed to it when it is whole. `store check --repair` removes those that were left. */
export const temporaryBeside = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${temporaryName()}.tmp`);

/** Whether an owner's process is known to be gone: of another machine or container nothing is known. */
export function isGone(owner: string): boolean {
  const [where, pid] = owner.split('-');
  return where === place() && isProcessGone(Number(pid));
}

/** Whether this machine has no process of that pid. */
export function isProcessGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Whether something temporary was left behind by a process that is gone. */
export function isOrphan(name: string): boolean {
  const owner = /(?:^|[.-])([0-9a-f]{8}-\d+)-[0-9a-f]{12}(?=$|\.)/.exec(name)?.[1];
  return owner !== undefined && isGone(owner);
}

let known: string | undefined;

/** Containers may share a machine's name and folders, but not its pids; and machines may have the same name. */
function place(): string {
  if (known === undefined) {
    const where = [
      hostname(),
      orNothing(() => readlinkSync('/proc/self/ns/pid')),
      orNothing(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')),
    ];
    known = createHash('sha256').update(where.join(' ')).digest('hex').slice(0, 8);
  }
  return known;
}

/** Other systems than Linux have neither. */
function orNothing(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
