import { sha256 } from '../identity/fingerprint.js';
import type { SubmissionManifest } from './manifest.js';

/**
 * What the signatures of a submission's files are of: where and how its runs are executed, and what they see. Of the store's
 * id, not its path: a store that was moved is the same one.
 */
export const manifestDocument = (storeId: string, { signature: _, ...manifest }: SubmissionManifest) => ({
  purpose: 'submission.json',
  store: storeId,
  // As it is read again: without what is undefined.
  manifest: JSON.parse(JSON.stringify(manifest)) as object,
});

export const environmentDocument = (storeId: string, submission: string, text: string) => ({
  purpose: 'env.json',
  store: storeId,
  submission,
  sha256: sha256(text),
});
