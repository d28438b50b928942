import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'metalab-query-';

/** A folder for what does not fit into a query's memory: made when first asked for, and removed at the end. */
export class Scratch {
  readonly path: string;
  #made = false;
  readonly #remove = () => rmSync(this.path, { recursive: true, force: true });

  constructor(path = join(tmpdir(), `${PREFIX}${process.pid}-${randomBytes(4).toString('hex')}`)) {
    this.path = path;
    process.once('exit', this.#remove);
  }

  /** @returns the path of a file in it */
  file(name: string): string {
    if (!this.#made) {
      dropLeftovers();
      mkdirSync(this.path, { mode: 0o700 });
      this.#made = true;
    }
    return join(this.path, name);
  }

  remove(): void {
    process.removeListener('exit', this.#remove);
    this.#remove();
  }
}

/** Of queries that were killed. */
function dropLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : Number.NaN;
    if (pid > 0 && !isRunning(pid)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** Whether a process of this machine has that id. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
