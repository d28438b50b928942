import { dirname } from 'node:path';
import { StoreError } from '../../definition/errors.js';
import { compareText } from '../final-record.js';
import type { SubmissionManifest } from '../manifest.js';
import { submissionFile, submissionFolder } from './layout.js';
import { listNames } from './list-names.js';
import { readJson } from './read-json.js';

/** The manifests of an experiment's submissions, oldest first. */
export async function readSubmissions(folder: string): Promise<SubmissionManifest[]> {
  const names = await listNames(dirname(submissionFolder(folder, '_')));
  const manifests = await Promise.all(
    names.map((name) => readJson<SubmissionManifest>(submissionFile(folder, name)).catch(unlessDamaged)),
  );
  return manifests
    .filter((manifest) => manifest !== undefined)
    .sort((a, b) => compareText(a.submitted_at, b.submitted_at) || compareText(a.submission, b.submission));
}

/** One damaged manifest must not hide the others; `store check` names it. */
function unlessDamaged(error: unknown): undefined {
  if (!(error instanceof StoreError) || error.code !== 'METALAB_STORE_CORRUPT') throw error;
}
