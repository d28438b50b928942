import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResolvedEnvironment } from '../../config/resolved-config.js';
import type { ExperimentDeclaration } from '../../definition/declaration.js';
import { DefinitionError } from '../../definition/errors.js';
import { pickEnvironment, unsetVariables } from '../../definition/run-environment.js';
import { METALAB_VERSION } from '../../engine/version.js';
import type { SigningKey } from '../../identity/signature.js';
import { describeExperiment } from '../../storage/describe-experiment.js';
import { writeAtomically } from '../../storage/file/atomic-write.js';
import { storeFault } from '../../storage/file/faults.js';
import type { FileStore } from '../../storage/file/file-store.js';
import {
  bundleFile,
  bundleFolder,
  enqueuedFile,
  environmentFile,
  submissionFolder,
} from '../../storage/file/layout.js';
import { listNames } from '../../storage/file/list-names.js';
import { ownerName } from '../../storage/file/owner.js';
import type { GitState, SubmissionManifest, SubmissionOptions } from '../../storage/manifest.js';
import { environmentDocument, manifestDocument } from '../../storage/signed-files.js';
import type { Declared } from '../declare/declare.js';
import { readGitState } from './git-state.js';
import { readOrigin } from './submission-origin.js';

/** How, where and by whom a declaration is to be executed. */
export interface NewSubmission {
  /** The engine that it is for: see `engineKey`. */
  readonly engine: string;
  readonly environment: ResolvedEnvironment;
  readonly options: SubmissionOptions;
}

/**
 * Collects the values of the experiment's `env` for its runs, from the process that submits or retries.
 *
 * @throws DefinitionError with every variable that is not set in this process
 */
export function requireVariables({ env }: Pick<ExperimentDeclaration, 'env'>): void {
  const problems = unsetVariables(process.env, env);
  if (problems.length > 0) throw new DefinitionError(problems);
}

/**
 * Writes everything needed to execute a declaration, before Temporal is called.
 *
 * @returns what was submitted
 */
export async function writeSubmission(
  store: FileStore,
  { declaration, bundle, file }: Declared,
  request: NewSubmission,
  key: SigningKey,
): Promise<SubmissionManifest> {
  const { cwd, operation } = declaration;
  const [sha, , git, origin] = await Promise.all([
    store.writeDeclaration(declaration),
    writeBundle(store.experimentFolder(declaration.experiment_id), declaration, bundle),
    readGitState(cwd, [file, ...Object.keys(operation.modules)]),
    readOrigin(file),
  ]);
  return writeRequest(store, declaration, sha, { ...request, git, origin }, key);
}

/**
 * Writes a submission for a declaration that is already in the store with its bundle.
 *
 * @param request `git`: the state when that was declared
 */
export async function writeRequest(
  store: FileStore,
  declaration: ExperimentDeclaration,
  sha: string,
  request: NewSubmission & Pick<SubmissionManifest, 'origin'> & { readonly git: GitState | null },
  key: SigningKey,
): Promise<SubmissionManifest> {
  const { experiment_id } = declaration;
  const folder = store.experimentFolder(experiment_id);
  const submitted = await nextSubmissionTime(folder);
  const submission = nameSubmission(submitted);
  const env = JSON.stringify(pickEnvironment(process.env, declaration.env));
  const unsigned: SubmissionManifest = {
    submission,
    experiment_id,
    declaration: sha,
    submitted_at: submitted.toISOString(),
    submitter: ownerName(),
    ...request,
    environment: withoutServices(request.environment),
    umask: process.umask(),
    env_signature: key.sign(environmentDocument(store.id, submission, env)),
  };
  const manifest = { ...unsigned, signature: key.sign(manifestDocument(store.id, unsigned)) };
  const latest = describeExperiment(declaration, manifest, {
    git: request.git,
    metalabVersion: METALAB_VERSION,
  });
  // Written first: it names the owner, in case this process is killed before a workflow has the submission.
  await store.writeSubmission(manifest);
  await Promise.all([writeEnvironment(folder, submission, env), store.writeManifest(latest)]);
  return manifest;
}

/** A service's table may hold a password, and readers of the store can read submissions, which use no services. */
const withoutServices = (environment: ResolvedEnvironment): ResolvedEnvironment => ({
  ...environment,
  services: {},
});

/** Marks a submission without a plan as owned by a workflow. */
export async function markEnqueued(
  store: FileStore,
  { experiment_id, submission }: SubmissionManifest,
): Promise<void> {
  // The folder is gone if the workflow was fast and the experiment has been removed since.
  await writeFile(enqueuedFile(store.experimentFolder(experiment_id), submission), '').catch(() => {});
}

/** A submission that joined another leaves nothing behind. */
export async function removeSubmission(
  store: FileStore,
  { experiment_id, submission }: SubmissionManifest,
): Promise<void> {
  await rm(submissionFolder(store.experimentFolder(experiment_id), submission), {
    recursive: true,
    force: true,
  });
}

/** Now or, if the clock was set back, after the latest submission: submissions are ordered by time. */
export async function nextSubmissionTime(folder: string): Promise<Date> {
  const latest = (await listNames(submissionFolder(folder, ''))).at(-1)?.slice(0, TIME_LENGTH) ?? '';
  const now = new Date();
  if (latest <= timeName(now)) return now;
  const [, day, time] = /^(\d{8})T(\d{6})$/.exec(latest) ?? [];
  if (!day || !time) return now;
  const iso = `${day.replace(/(....)(..)/, '$1-$2-')}T${time.replace(/(..)(..)/, '$1:$2:')}Z`;
  return new Date(Date.parse(iso) + 1000);
}

/** Sorts by time as text; the rest keeps two at the same second apart. */
export function nameSubmission(at: Date): string {
  return `${timeName(at)}-${randomBytes(3).toString('hex')}`;
}

const TIME_LENGTH = 15;
const timeName = (at: Date) => at.toISOString().replace(/[-:]/g, '').slice(0, TIME_LENGTH);

async function writeBundle(
  folder: string,
  { operation }: ExperimentDeclaration,
  { code, map }: Declared['bundle'],
): Promise<void> {
  await Promise.all([
    writeAtomically(join(bundleFolder(folder, operation.bundle), 'operation.mjs.map'), map),
    writeAtomically(bundleFile(folder, operation.bundle), code),
  ]);
}

async function writeEnvironment(folder: string, submission: string, text: string): Promise<void> {
  const path = environmentFile(folder, submission);
  try {
    await mkdir(submissionFolder(folder, submission), { recursive: true });
    await writeFile(path, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw storeFault(error, path);
  }
}
