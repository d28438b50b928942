import { dirname } from 'node:path';
import { describeExperiment } from '../../describe-experiment.js';
import type { ExperimentManifest, SubmissionManifest } from '../../manifest.js';
import { writeAtomically } from '../atomic-write.js';
import { findLost } from '../formats/coverage.js';
import { readCoverage } from '../formats/runs-file.js';
import { listSegments } from '../formats/segments.js';
import { manifestFile, runsFile, type SegmentKind, submissionFile, submissionFolder } from '../layout.js';
import { listNames } from '../list-names.js';
import { readJson } from '../read-json.js';
import { checkArtifacts } from './check-artifacts.js';
import { checkNamedFiles, readDeclarationOf } from './check-named.js';
import { checkPacks } from './check-packs.js';
import { checkSegment } from './check-segment.js';
import { checkSubmission } from './check-submission.js';
import type { Check, Finding } from './finding.js';
import { type MissingArtifact, tellMissing } from './missing-artifacts.js';
import { moveToQuarantine } from './quarantine.js';

const KINDS: readonly SegmentKind[] = ['records', 'series', 'data', 'logs', 'derived'];

/** Everything in an experiment's folder, each file once. */
export async function* checkExperiment(check: Check): AsyncGenerator<Finding> {
  const { folder, checked } = check;
  checked.experiments++;
  yield* checkManifest(check);
  yield* checkNamedFiles(check);
  for (const submission of await submissionsOf(folder)) yield* checkSubmission(check, submission);
  const missing: MissingArtifact[] = [];
  for (const kind of KINDS)
    for (const segment of await listSegments(folder, kind))
      yield* checkSegment(check, segment, kind, missing);
  yield* tellMissing(folder, missing);
  yield* checkRunsFile(check);
  yield* checkArtifacts(check);
  yield* checkPacks(check);
}

export const submissionsOf = (folder: string): Promise<string[]> =>
  listNames(dirname(submissionFolder(folder, '_')));

async function* checkManifest(check: Check): AsyncGenerator<Finding> {
  const path = manifestFile(check.folder);
  const manifest = await readJson<ExperimentManifest>(path).catch(() => null);
  if (manifest && manifest.experiment_id === check.experimentId) return;
  const newest = await newestDeclared(check.folder);
  yield {
    severity: 'error',
    kind: manifest === undefined ? 'manifest-missing' : 'manifest-damaged',
    path,
    what: manifest === undefined ? 'is not there' : `is no manifest of ${check.experimentId}`,
    costs: 'the experiment is not listed, and its results are not found, although its records are there',
    remedy: newest
      ? `--repair rewrites it from submission ${newest.latest.submission}; so does the next submit`
      : 'submit the experiment again: that rewrites it',
    ...(newest
      ? {
          repair: {
            run: async () => {
              const { metalabVersion } = check.options;
              const described = describeExperiment(newest.declaration, newest.latest, {
                git: null,
                metalabVersion,
              });
              await writeAtomically(path, `${JSON.stringify(described, undefined, 2)}\n`);
              return `rewritten from submission ${newest.latest.submission}`;
            },
          },
        }
      : {}),
  };
}

async function newestDeclared(folder: string) {
  const manifests = await Promise.all(
    (await submissionsOf(folder)).map((id) =>
      readJson<SubmissionManifest>(submissionFile(folder, id)).catch(() => undefined),
    ),
  );
  const byTime = manifests
    .filter((manifest) => manifest !== undefined)
    .sort((a, b) => (a.submitted_at < b.submitted_at ? 1 : -1));
  for (const latest of byTime) {
    const declaration = await readDeclarationOf(folder, latest.declaration);
    if (declaration) return { latest, declaration };
  }
  return undefined;
}

/** Segments that compacted records cover, and that are gone or shorter than they were: nothing else tells of them. */
async function* checkRunsFile({ folder }: Check): AsyncGenerator<Finding> {
  const coverage = await readCoverage(folder, { evenStale: true });
  if (!coverage) return;
  let moved: Promise<string> | undefined;
  for (const { path, bytes, coveredBytes } of await findLost(folder, coverage.segments)) {
    yield {
      severity: 'error',
      kind: 'segment-missing',
      path,
      what: `${bytes === undefined ? 'is gone' : `has ${bytes} bytes left`}, and had ${coveredBytes} when the runs were compacted`,
      costs: 'the runs that it recorded: the next submit does them again',
      remedy:
        'copy it from where it is whole; --repair moves runs/runs.parquet, which still has their rows and which nobody reads any more, to quarantine/',
      repair: {
        run: async () => {
          moved ??= moveToQuarantine(folder, runsFile(folder));
          return `runs.parquet moved to ${await moved}`;
        },
      },
    };
  }
}
