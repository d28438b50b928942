import type { ExperimentDeclaration } from '../../definition/declaration.js';
import { DefinitionError, MetalabError, type Problem } from '../../definition/errors.js';
import { decidePlan } from '../../planning/decide.js';
import { type FoundRun, findRuns } from '../../results/find-runs.js';
import type { FileStore } from '../../storage/file/file-store.js';
import type { GitState, PlanManifest, SubmissionOptions } from '../../storage/manifest.js';
import type { RetryOptions } from '../run-handle.js';
import { lastSubmission } from '../status/last-submission.js';
import { checkFailureLimit, checkSlots, environmentOf, slotsOf } from '../store-choice.js';
import type { NewSubmission } from './submission.js';

const MIN_CHARACTERS = 4;
const MAX_RUNS = 1000;
const MAX_LISTED = 5;

/** A declaration in the store, and which of its runs to execute. */
export interface Retry {
  readonly declaration: ExperimentDeclaration;
  readonly sha: string;
  /** The repository's state when that was declared. */
  readonly git: GitState | null;
  readonly options: SubmissionOptions;
}

/**
 * Resolves a retry of an experiment: its latest declaration, and the requested runs.
 *
 * @throws MetalabError METALAB_NO_SUBMISSION, METALAB_IMPORTED; DefinitionError (METALAB_RETRY) with every run that can't be retried
 */
export async function resolveRetry(
  store: FileStore,
  experimentId: string,
  { failed = false, runs = [], maxFailures }: RetryOptions,
): Promise<Retry> {
  const { declaration: sha, git = null } = (await store.readManifest(experimentId)) ?? {};
  const declaration = sha === undefined ? undefined : await store.readDeclaration(experimentId, sha);
  if (sha === undefined || !declaration)
    throw new MetalabError({
      code: 'METALAB_NO_SUBMISSION',
      where: store.uri,
      what: `there is no declaration of ${experimentId}`,
      next: 'metalab list shows what the store has; metalab submit FILE declares it',
    });
  if (declaration.imported_from !== undefined)
    throw new MetalabError({
      code: 'METALAB_IMPORTED',
      where: experimentId,
      what: `its runs were imported from the ${declaration.imported_from}, without the code that executes them`,
      next: `metalab submit FILE, with an experiment of that name and version, does its own; the imported runs stay`,
    });
  const max_failures = checkFailureLimit(maxFailures) ?? declaration.max_failures;
  const limit = max_failures === undefined ? {} : { max_failures };
  const everything = { slots: null, keep_failed: false, fresh: false, ...limit };
  if (!failed && runs.length === 0) return { declaration, sha, git, options: everything };
  const only = { failed, runs: await resolveRuns(store, declaration, runs) };
  return { declaration, sha, git, options: { ...everything, only } };
}

/** Plans a retry before anything is submitted: `positions` are the runs that would execute. */
export async function planRetry(
  store: FileStore,
  experimentId: string,
  options: RetryOptions,
): Promise<Pick<PlanManifest, 'total' | 'positions' | 'reused'>> {
  const { declaration, sha, options: choices } = await resolveRetry(store, experimentId, options);
  return (await decidePlan(store.experimentFolder(experimentId), declaration, sha, choices)).manifest;
}

/**
 * Where the runs execute, and how many at once: with the settings of the latest submission, unless another environment
 * is named.
 */
export async function placeOfRetry(
  store: FileStore,
  experimentId: string,
  options: RetryOptions,
): Promise<Pick<NewSubmission, 'environment'> & Pick<SubmissionOptions, 'slots'>> {
  const latest = options.executor ? undefined : await lastSubmission(store, experimentId);
  const kept = latest === undefined ? undefined : await store.readSubmission(experimentId, latest);
  if (kept?.environment) return { environment: kept.environment, slots: kept.options.slots };
  const environment = await environmentOf(options);
  return { environment, slots: checkSlots(slotsOf(environment)) };
}

async function resolveRuns(
  store: FileStore,
  declaration: ExperimentDeclaration,
  texts: readonly string[],
): Promise<string[]> {
  const prefixes = texts.map((text) => text.toLowerCase()).filter(isPrefix);
  const { experiment_id } = declaration;
  const found = prefixes.length > 0 ? await findRuns(store, prefixes, [experiment_id]) : [];
  const resolved = await Promise.all(texts.map((text) => resolveOne(declaration, text, found)));
  const problems = resolved.filter((result) => typeof result !== 'string');
  if (texts.length > MAX_RUNS)
    problems.push({
      what: `${texts.length} runs are named`,
      expected: `at most ${MAX_RUNS}`,
      next: 'retry them in several commands, or use --failed',
    });
  if (problems.length > 0) throw new DefinitionError(problems, 'METALAB_RETRY');
  return [...new Set(resolved.filter((result) => typeof result === 'string'))];
}

const isPrefix = (text: string) => text.length >= MIN_CHARACTERS && /^[0-9a-f]+$/.test(text);

async function resolveOne(
  { experiment_id, operation, context_fingerprint }: ExperimentDeclaration,
  text: string,
  candidates: readonly FoundRun[],
): Promise<string | Problem> {
  const prefix = text.toLowerCase();
  const next = `metalab results ${experiment_id} --columns run_id,status lists its runs`;
  if (!isPrefix(prefix))
    return {
      where: `run '${text}'`,
      what: 'it is not a prefix of a run_id',
      expected: `at least ${MIN_CHARACTERS} hexadecimal digits`,
      next,
    };
  const found = candidates.filter(({ run_id }) => run_id.startsWith(prefix));
  const [first] = found;
  if (!first) return { where: `run '${text}'`, what: `${experiment_id} has no such run`, next };
  if (found.length > 1)
    return {
      where: `run '${text}'`,
      what: `it is the beginning of ${found.length} run_ids: ${found
        .slice(0, MAX_LISTED)
        .map(({ run_id }) => run_id.slice(0, prefix.length + 6))
        .join(', ')}`,
      next: 'give more digits',
    };
  const record = await first.record();
  const current =
    record?.code_fingerprint === operation.code_fingerprint &&
    record.context_fingerprint === context_fingerprint;
  if (current) return first.run_id;
  return {
    where: `run '${text}'`,
    what: 'it is of an earlier code or context of the experiment, which can only be run from its file',
    next,
  };
}
