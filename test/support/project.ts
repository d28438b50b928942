import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A scientist's folder, removed after the test. Its store is `experiments` in it. */
export class Project {
  readonly folder: string;

  /** @param whenDone `afterAll` for a project that all tests of a file share */
  constructor(whenDone: (remove: () => void) => void = onTestFinished) {
    // Spaces and quotes, because users have them.
    this.folder = mkdtempSync(join(tmpdir(), "metalab test's "));
    whenDone(() => {
      for (const folder of [this.folder, this.#saved]) remove(folder);
    });
  }

  get #saved(): string {
    return `${this.folder} saved`;
  }

  /** Keeps a copy of what is in the folder, for `restore`. */
  save(): void {
    cpSync(this.folder, this.#saved, { recursive: true, preserveTimestamps: true });
  }

  /** Makes the folder what it was at `save`. The folder itself stays: processes may run in it. */
  restore(): void {
    for (const name of readdirSync(this.folder)) remove(this.path(name));
    cpSync(this.#saved, this.folder, { recursive: true, preserveTimestamps: true });
  }

  get store(): string {
    return join(this.folder, 'experiments');
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async write(files: { readonly [name: string]: string | Uint8Array }): Promise<void> {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(this.path(name)), { recursive: true });
      await writeFile(this.path(name), content);
    }
  }
}

export async function projectWith(files: { readonly [name: string]: string | Uint8Array }): Promise<Project> {
  const project = new Project();
  await project.write(files);
  return project;
}

/** A process that is just ending, or compacts the runs, or renews a lease, may still make a file in the folder. */
function remove(path: string): void {
  const attempts = 50;
  for (let attempt = 1; ; attempt++)
    try {
      rmSync(path, { recursive: true, force: true });
      return;
    } catch (error) {
      // Node's own retries remove only what was in a folder at the first attempt.
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY' || attempt === attempts) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
}
