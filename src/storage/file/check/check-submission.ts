import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { PLAN_ENTRY_BYTES, type PlanManifest, type SubmissionManifest } from '../../manifest.js';
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
import { readDeclarationOf } from './check-named.js';
import type { Check, Finding } from './finding.js';
import { checkJson } from './json-file.js';
import { removable } from './leftovers.js';

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

/** Of a submission that has ended, nothing is needed any more: the next one writes its own anew. */
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
      remedy: 'submit again: that writes it anew, and reuses what is recorded',
    };
  }
}

async function* checkPlan({ folder }: Check, submission: string, ended: boolean): AsyncGenerator<Finding> {
  const costs = ended
    ? 'nothing: the submission has ended'
    : 'the submission can not go on; what it recorded counts';
  const remedy = ended ? '--repair moves it to quarantine/' : 'submit again: what is missing is planned anew';
  const plan = yield* checkJson<PlanManifest>(folder, planFile(folder, submission), { costs, remedy });
  if (plan?.kind !== 'list') return;
  const path = planEntriesFile(folder, plan);
  const what = await entriesFault(path, plan);
  if (what === undefined) return;
  yield { severity: ended ? 'warning' : 'error', kind: 'plan-damaged', path, what, costs, remedy };
}

async function entriesFault(path: string, plan: PlanManifest): Promise<string | undefined> {
  const size = (await stat(path).catch(() => undefined))?.size;
  const expected = plan.positions * PLAN_ENTRY_BYTES;
  if (size === undefined) return 'is not there, and plan.json refers to it';
  if (size !== expected) return `has ${size} bytes, not the ${expected} of ${plan.positions} runs`;
  const hash = createHash('sha256');
  let last = -1;
  for await (const block of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes = block as Buffer;
    hash.update(bytes);
    for (let at = 0; at < bytes.length; at += PLAN_ENTRY_BYTES) {
      const cell = bytes.readUInt32LE(at);
      if (cell <= last || cell >= plan.total)
        return `names cell ${cell} after ${last}, of ${plan.total} cells in ascending order`;
      last = cell;
    }
  }
  return plan.entries_sha256 && hash.digest('hex') !== plan.entries_sha256
    ? `has another content than plan.json says (SHA-256 ${plan.entries_sha256})`
    : undefined;
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );
