import { dirname } from 'node:path';
import type { ExperimentDeclaration } from '../../definition/declaration.js';
import { StoreError } from '../../definition/errors.js';
import { canonicalJson } from '../../identity/canonical.js';
import { sha256 } from '../../identity/fingerprint.js';
import type { ExperimentManifest, PlanManifest, SubmissionManifest, SubmissionOutcome } from '../manifest.js';
import type { ExperimentManifests } from '../store.js';
import { writeAtomically } from './atomic-write.js';
import {
  declarationFile,
  manifestFile,
  outcomeFile,
  planFile,
  submissionFile,
  submissionFolder,
} from './layout.js';
import { listNames } from './list-names.js';
import { readJson, readText } from './read-json.js';
import { verifyContent } from './verify-content.js';

/** Manifests as JSON files. `folder` gives an experiment's folder. */
export function fileManifests(folder: (experimentId: string) => string): ExperimentManifests {
  const readSubmission = (experimentId: string, submission: string) =>
    readJson<SubmissionManifest>(submissionFile(folder(experimentId), submission));
  return {
    readManifest: (experimentId) => readJson<ExperimentManifest>(manifestFile(folder(experimentId))),
    writeManifest: (manifest) => writeJson(manifestFile(folder(manifest.experiment_id)), manifest),
    async readDeclaration(experimentId, sha) {
      const path = declarationFile(folder(experimentId), sha);
      const text = await readText(path);
      if (text === undefined) return undefined;
      verifyContent(text, sha, path);
      return JSON.parse(text) as ExperimentDeclaration;
    },
    async writeDeclaration(declaration) {
      const text = canonicalJson(declaration, 'declaration');
      const sha = sha256(text);
      const path = declarationFile(folder(declaration.experiment_id), sha);
      // A damaged one is mended by it.
      if ((await readText(path)) !== text) await writeAtomically(path, text);
      return sha;
    },
    async submissions(experimentId) {
      const names = await listNames(dirname(submissionFolder(folder(experimentId), '_')));
      const manifests = await Promise.all(
        names.map((name) => readSubmission(experimentId, name).catch(unlessDamaged)),
      );
      return manifests
        .filter((manifest) => manifest !== undefined)
        .sort(
          (a, b) => compareText(a.submitted_at, b.submitted_at) || compareText(a.submission, b.submission),
        )
        .map((manifest) => manifest.submission);
    },
    readSubmission,
    writeSubmission: (manifest) =>
      writeJson(submissionFile(folder(manifest.experiment_id), manifest.submission), manifest),
    readPlan: (experimentId, submission) =>
      readJson<PlanManifest>(planFile(folder(experimentId), submission)),
    readOutcome: (experimentId, submission) =>
      readJson<SubmissionOutcome>(outcomeFile(folder(experimentId), submission)),
    writeOutcome: (outcome) =>
      writeJson(outcomeFile(folder(outcome.experiment_id), outcome.submission), outcome),
  };
}

/** One damaged manifest must not hide the others; `store check` names it. */
function unlessDamaged(error: unknown): undefined {
  if (!(error instanceof StoreError) || error.code !== 'METALAB_STORE_CORRUPT') throw error;
}

/** Indented for people, unless it is too large for them: a list of a million cases takes 50 MB indented, 19 without. */
const MAX_INDENTED = 1024 * 1024;

function writeJson(path: string, value: object): Promise<void> {
  const text = JSON.stringify(value);
  const indented = text.length <= MAX_INDENTED ? JSON.stringify(value, undefined, 2) : text;
  return writeAtomically(path, `${indented}\n`);
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
