import { closeSync, existsSync, fstatSync, openSync, readSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Note, readNote } from '../../runner/protocol/note.js';
import { removeOrphans } from '../../storage/file/orphans.js';
import { TEMPORARY, temporaryName } from '../../storage/file/owner.js';

const MAX_OUTPUT_BYTES = 64 * 1024;

/** Files that a slot inherits and leaves behind when it dies: its note, its printed output, and its scratch folder. */
export class SlotFiles {
  readonly note: number;
  readonly stdout: number;
  readonly stderr: number;
  /** Not created before a run asks for it. */
  readonly scratch: string;

  /** @param temporary the runs' TMPDIR */
  constructor(temporary: string) {
    // In memory if possible, so that a note written a hundred thousand times a second never reaches a disk.
    const notes = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    // Left by workers that were killed together with their slots: nobody else would remove them.
    for (const folder of new Set([notes, tmpdir(), temporary])) void removeOrphans(folder, TEMPORARY);
    this.note = openNameless(notes, 'wx+');
    // Not this process's own TMPDIR: a worker's may belong to a session that has ended.
    this.stdout = openNameless(temporary, 'ax+');
    this.stderr = openNameless(temporary, 'ax+');
    this.scratch = join(temporary, `${TEMPORARY}${temporaryName()}`);
  }

  readNote(): Note | undefined {
    return readNote(this.note);
  }

  /** The end of what was printed past the slot's own streams and is not yet assigned to a run. */
  output(): string {
    return [this.stdout, this.stderr]
      .map(readEnd)
      .filter((text) => text !== '')
      .join('\n');
  }

  remove(): void {
    for (const fd of [this.note, this.stdout, this.stderr]) closeSync(fd);
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

/** A file that disappears with its last open descriptor, so nothing is left behind however the processes end. */
function openNameless(folder: string, flags: string): number {
  const path = join(folder, `${TEMPORARY}slot-${temporaryName()}`);
  const fd = openSync(path, flags, 0o600);
  unlinkSync(path);
  return fd;
}

function readEnd(fd: number): string {
  const { size } = fstatSync(fd);
  const end = Buffer.alloc(Math.min(size, MAX_OUTPUT_BYTES));
  return end.toString('utf8', 0, readSync(fd, end, 0, end.length, size - end.length)).trimEnd();
}
