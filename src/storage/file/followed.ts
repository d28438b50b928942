import { stat, utimes, writeFile } from 'node:fs/promises';
import { followedFile, liveFolder, submissionFolder } from './layout.js';
import { listNames } from './list-names.js';

/** Somebody who follows says so again within it. */
export const FOLLOWED_MS = 10_000;

/** Tells whoever carries an experiment's submissions out that somebody watches the runs' logs now. */
export async function tellFollowed(folder: string): Promise<void> {
  for (const submission of await listNames(submissionFolder(folder, ''))) {
    const path = followedFile(folder, submission);
    // Only a submission in progress has the folder.
    if (!(await stat(liveFolder(folder, submission)).catch(() => undefined))) continue;
    const now = new Date();
    await utimes(path, now, now)
      .catch(() => writeFile(path, ''))
      .catch(() => {});
  }
}

/** Whether somebody watches a submission's logs, by changes of a file's time alone: clocks of machines differ. */
export class Followed {
  readonly #path: string;
  #mtime: number | undefined;
  #until = Number.NEGATIVE_INFINITY;

  constructor(folder: string, submission: string) {
    this.#path = followedFile(folder, submission);
  }

  async now(): Promise<boolean> {
    const mtime = await stat(this.#path).then(
      (found) => found.mtimeMs,
      () => undefined,
    );
    if (mtime !== undefined && mtime !== this.#mtime) this.#until = performance.now() + FOLLOWED_MS;
    this.#mtime = mtime;
    return performance.now() < this.#until;
  }
}
