import { mkdir } from 'node:fs/promises';
import type { ExperimentDeclaration } from '../definition/declaration.js';
import { writeOnce } from '../storage/file/atomic-write.js';
import { ownersOfDerived } from '../storage/file/formats/derived.js';
import { type WrittenEntries, writeEntries } from '../storage/file/formats/plan-entries.js';
import { planFile, submissionFolder } from '../storage/file/layout.js';
import { readJson } from '../storage/file/read-json.js';
import type { PlanManifest, SubmissionOptions } from '../storage/manifest.js';
import { decidePlan } from './decide.js';

/**
 * Decides a submission's plan and writes it: the entries first, then the manifest that names them. An existing plan is
 * kept: a worker that was considered dead while it planned must not change the plan that chunks use.
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
  const path = planFile(folder, submission);
  const written = entries && (await writeEntries(folder, submission, entries));
  const owners = declaration.derived ? await ownersOfDerived(folder, Object.keys(declaration.derived)) : {};
  const plan: PlanManifest = {
    submission,
    ...manifest,
    ...(written && describeEntries(written)),
    ...(Object.keys(owners).length > 0 && { derived_owners: owners }),
  };
  try {
    if (await writeOnce(path, `${JSON.stringify(plan, undefined, 2)}\n`)) return plan;
  } catch (error) {
    await written?.discard();
    throw error;
  }
  await written?.discard();
  return (await readJson<PlanManifest>(path))!;
}

const describeEntries = ({ sha256, name }: WrittenEntries) => ({
  entries_sha256: sha256,
  ...(name !== 'plan.bin' && { entries_file: name }),
});
