import { stat } from 'node:fs/promises';
import { StoreError } from '../../../definition/errors.js';
import type { PlanManifest, SubmissionManifest } from '../../manifest.js';
import { verifyEntries } from '../formats/plan-entries.js';
import {
  bundleFile,
  declarationFile,
  environmentFile,
  liveFolder,
  outcomeFile,
  planEntriesFile,
  planFile,
  submissionFile,
  submissionFolder,
} from '../layout.js';
import { readJson } from '../read-json.js';
import { readDeclarationOf } from './check-named.js';
import type { Check, Finding } from './finding.js';
import { removable } from './leftovers.js';
import { moveToQuarantine } from './quarantine.js';

/** A submission's manifest, plan and outcome, and whether what it refers to is there. */
export async function* checkSubmission(check: Check, submission: string): AsyncGenerator<Finding> {
  const { folder } = check;
  check.checked.submissions++;
  const path = submissionFile(folder, submission);
  const manifest = yield* checkJson<SubmissionManifest>(folder, path, {
    costs: 'what was asked for; its records count all the same',
    remedy: '--repair moves it to quarantine/; nothing else needs it',
  });
  const outcome = yield* checkJson<object>(folder, outcomeFile(folder, submission), {
    costs: 'how the submission ended; its records count all the same',
    remedy: '--repair moves it to quarantine/; the submission then counts as interrupted',
  });
  const ended = outcome !== undefined;
  if (!manifest && !(await exists(path))) {
    yield {
      severity: 'note',
      kind: 'submission-missing',
      path,
      what: 'the submission has no manifest',
      costs: 'what was asked for; its records count all the same',
      remedy: 'nothing, or restore it from a copy',
    };
  }
  if (manifest && !ended) {
    yield {
      severity: 'note',
      kind: 'submission-open',
      path: submissionFolder(folder, submission),
      what: 'the submission has no outcome: it is in progress, paused, waiting, or was interrupted',
      costs: 'nothing that was recorded',
      remedy: `metalab status ${check.experimentId} tells which; submitting again does what is missing`,
    };
  }
  if (manifest && !ended) yield* checkReferences(check, manifest);
  yield* checkPlan(check, submission, ended);
  if (!ended) return;
  for (const left of [environmentFile(folder, submission), liveFolder(folder, submission)])
    if (await exists(left)) yield removable(left, 'belongs to a submission that has ended');
}

/** Of a submission that has ended, nothing is needed any more: the next one writes its own. */
async function* checkReferences({ folder }: Check, manifest: SubmissionManifest): AsyncGenerator<Finding> {
  const declaration = await readDeclarationOf(folder, manifest.declaration);
  const path = declarationFile(folder, manifest.declaration);
  const bundle = declaration && bundleFile(folder, declaration.operation.bundle);
  // A damaged one is found by its name.
  const missing = [path, ...(bundle ? [bundle] : [])];
  for (const file of missing) {
    if (await exists(file)) continue;
    yield {
      severity: 'error',
      kind: 'submission-incomplete',
      path: file,
      what: `is not there, and submission ${manifest.submission} needs it`,
      costs: 'that submission can not go on',
      remedy: 'submit again: that rewrites it, and reuses what is recorded',
    };
  }
}

async function* checkPlan({ folder }: Check, submission: string, ended: boolean): AsyncGenerator<Finding> {
  const costs = ended
    ? 'nothing: the submission has ended'
    : 'the submission can not go on; what it recorded counts';
  const remedy = ended
    ? '--repair moves it to quarantine/'
    : 'submit again: what is missing is planned again';
  const plan = yield* checkJson<PlanManifest>(folder, planFile(folder, submission), { costs, remedy });
  if (plan?.kind !== 'list') return;
  const path = planEntriesFile(folder, plan);
  const what = await verifyEntries(folder, plan).then(() => undefined, whatIsWrong(path));
  if (what === undefined) return;
  yield { severity: ended ? 'warning' : 'error', kind: 'plan-damaged', path, what, costs, remedy };
}

/** Reads a manifest; one that is no JSON object is a finding, and gives undefined as one that is not there. */
async function* checkJson<T extends object>(
  folder: string,
  path: string,
  { costs, remedy }: Pick<Finding, 'costs' | 'remedy'>,
): AsyncGenerator<Finding, T | undefined> {
  let what = 'is no JSON object';
  try {
    const value = await readJson<T>(path);
    if (value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value)))
      return value;
  } catch (error) {
    what = whatIsWrong(path)(error);
  }
  yield {
    severity: 'error',
    kind: 'manifest-damaged',
    path,
    what,
    costs,
    remedy,
    repair: { run: async () => `moved to ${await moveToQuarantine(folder, path)}` },
  };
  return undefined;
}

/** What a StoreError says of the file. */
const whatIsWrong =
  (path: string) =>
  (error: unknown): string => {
    if (!(error instanceof StoreError)) throw error;
    return error.message.split('\n', 1)[0]!.replace(`${path}: `, '');
  };

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );
