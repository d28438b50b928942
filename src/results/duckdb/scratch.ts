import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryFolder } from '../../access/temporary-folder.js';
import { removeOrphans } from '../../storage/file/orphans.js';
import { TEMPORARY, temporaryName } from '../../storage/file/owner.js';

const PREFIX = `${TEMPORARY}query-`;

/** One listener for all: Node warns of more than ten. */
const open = new Set<Scratch>();
process.once('exit', () => {
  for (const scratch of open) scratch.remove();
});

/** A folder for what does not fit into a query's memory: made when first asked for, and removed at the end. */
export class Scratch {
  readonly path: string;
  #made = false;

  constructor(path = join(tmpdir(), `${PREFIX}${temporaryName()}`)) {
    this.path = path;
    open.add(this);
  }

  /** @returns the path of a file in it */
  file(name: string): string {
    if (!this.#made) {
      // Of queries that were killed.
      void removeOrphans(temporaryFolder(), PREFIX);
      mkdirSync(this.path, { mode: 0o700 });
      this.#made = true;
    }
    return join(this.path, name);
  }

  remove(): void {
    open.delete(this);
    rmSync(this.path, { recursive: true, force: true });
  }
}
