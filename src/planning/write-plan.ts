import { mkdir } from 'node:fs/promises';
import type { ExperimentDeclaration } from '../definition/declaration.js';
import { writeAtomically } from '../storage/file/atomic-write.js';
import { planFile, submissionFolder } from '../storage/file/layout.js';
import type { PlanManifest, SubmissionOptions } from '../storage/manifest.js';
import { decidePlan } from './decide.js';
import { writeEntries } from './entries.js';

/**
 * Decides a submission's plan and writes it: the entries first, then the manifest that names them.
 *
 * @param threads as in `decidePlan`
 */
export async function writePlan(
  folder: string,
  submission: string,
  declaration: ExperimentDeclaration,
  sha: string,
  options: SubmissionOptions,
  threads?: number,
): Promise<PlanManifest> {
  const { manifest, entries } = await decidePlan(folder, declaration, sha, options, threads);
  await mkdir(submissionFolder(folder, submission), { recursive: true });
  const entries_sha256 = entries && (await writeEntries(folder, submission, entries));
  const plan: PlanManifest = { submission, ...manifest, ...(entries_sha256 ? { entries_sha256 } : {}) };
  await writeAtomically(planFile(folder, submission), `${JSON.stringify(plan, undefined, 2)}\n`);
  return plan;
}
