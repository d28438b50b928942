import { existsSync } from 'node:fs';
import type { FileStore } from '../../storage/file/file-store.js';
import { enqueuedFile } from '../../storage/file/layout.js';

/** The newest that a workflow has or had; one whose client was killed before handing it over is ignored. */
export async function lastSubmission(store: FileStore, experimentId: string): Promise<string | undefined> {
  const submissions = await store.submissions(experimentId);
  const folder = store.experimentFolder(experimentId);
  return (
    submissions.findLast((submission) => existsSync(enqueuedFile(folder, submission))) ?? submissions.at(-1)
  );
}
