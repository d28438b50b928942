import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ExperimentDeclaration } from '../definition/declaration.js';
import { StoreError } from '../definition/errors.js';
import type { ArtifactDescriptor, RunRecord } from '../definition/record.js';
import { canonicalJson } from '../identity/canonical.js';
import { sha256 } from '../identity/fingerprint.js';
import { openArtifact } from './file/artifacts.js';
import { writeAtomically } from './file/atomic-write.js';
import { type LoggedRun, readLogs } from './file/formats/logs.js';
import { readData, readSeries } from './file/formats/sidecars.js';
import {
  declarationFile,
  experimentIdOf,
  folderOf,
  manifestFile,
  outcomeFile,
  planFile,
  submissionFile,
  submissionFolder,
} from './file/layout.js';
import { StoreLease } from './file/lease.js';
import { listNames } from './file/list-names.js';
import { readJson, readText } from './file/read-json.js';
import { verifyContent } from './file/submission-file.js';
import { compareText } from './final-record.js';
import type { ExperimentManifest, PlanManifest, SubmissionManifest, SubmissionOutcome } from './manifest.js';

/**
 * Where records, artifacts, logs and manifests live: a folder. What reads and writes segments does so in an experiment's
 * folder, by the functions in `file/`. Reads of manifests give `undefined` where there is none.
 */
export class Store {
  readonly root: string;
  /** The random id in `store.json`: the same through every mount and link. */
  readonly id: string;
  /** What `--store` takes to open it again, e.g. `file:///data/experiments`. */
  readonly uri: string;
  readonly lease: StoreLease;

  constructor(root: string, id: string) {
    this.root = root;
    this.id = id;
    this.uri = pathToFileURL(root).href;
    this.lease = new StoreLease(root);
  }

  experimentFolder(experimentId: string): string {
    return join(this.root, folderOf(experimentId));
  }

  /** Ids of the experiments that have a manifest, sorted. */
  async experiments(): Promise<string[]> {
    const names = (await listNames(this.root)).filter((name) => name.includes('@'));
    const kept = await Promise.all(
      names.map((name) =>
        stat(manifestFile(join(this.root, name))).then(
          (file) => file.isFile(),
          () => false,
        ),
      ),
    );
    return names
      .filter((_, index) => kept[index])
      .map(experimentIdOf)
      .sort();
  }

  /** Series points of the attempt that won. */
  series(record: RunRecord) {
    return readSeries(this.experimentFolder(record.experiment_id), record);
  }

  /** Data entries of the attempt that won. */
  data(record: RunRecord) {
    return readData(this.experimentFolder(record.experiment_id), record);
  }

  /** A run's log lines, streamed attempt by attempt, each in the order it was written. */
  logs(experimentId: string, run: LoggedRun) {
    return readLogs(this.experimentFolder(experimentId), run);
  }

  /** An artifact's bytes. */
  openArtifact(experimentId: string, artifact: ArtifactDescriptor) {
    return openArtifact(this.experimentFolder(experimentId), artifact);
  }

  readManifest(experimentId: string): Promise<ExperimentManifest | undefined> {
    return readJson(manifestFile(this.experimentFolder(experimentId)));
  }

  writeManifest(manifest: ExperimentManifest): Promise<void> {
    return writeJson(manifestFile(this.experimentFolder(manifest.experiment_id)), manifest);
  }

  async readDeclaration(experimentId: string, sha: string): Promise<ExperimentDeclaration | undefined> {
    const path = declarationFile(this.experimentFolder(experimentId), sha);
    const text = await readText(path);
    if (text === undefined) return undefined;
    verifyContent(text, sha, path);
    return JSON.parse(text) as ExperimentDeclaration;
  }

  /** @returns the SHA-256 of its canonical JSON, its name from then on */
  async writeDeclaration(declaration: ExperimentDeclaration): Promise<string> {
    const text = canonicalJson(declaration, 'declaration');
    const sha = sha256(text);
    const path = declarationFile(this.experimentFolder(declaration.experiment_id), sha);
    // A damaged one is mended by it.
    if ((await readText(path)) !== text) await writeAtomically(path, text);
    return sha;
  }

  /** Ids of an experiment's submissions, oldest first. */
  async submissions(experimentId: string): Promise<string[]> {
    const names = await listNames(dirname(submissionFolder(this.experimentFolder(experimentId), '_')));
    const manifests = await Promise.all(
      names.map((name) => this.readSubmission(experimentId, name).catch(unlessDamaged)),
    );
    return manifests
      .filter((manifest) => manifest !== undefined)
      .sort((a, b) => compareText(a.submitted_at, b.submitted_at) || compareText(a.submission, b.submission))
      .map((manifest) => manifest.submission);
  }

  readSubmission(experimentId: string, submission: string): Promise<SubmissionManifest | undefined> {
    return readJson(submissionFile(this.experimentFolder(experimentId), submission));
  }

  writeSubmission(manifest: SubmissionManifest): Promise<void> {
    const folder = this.experimentFolder(manifest.experiment_id);
    return writeJson(submissionFile(folder, manifest.submission), manifest);
  }

  readPlan(experimentId: string, submission: string): Promise<PlanManifest | undefined> {
    return readJson(planFile(this.experimentFolder(experimentId), submission));
  }

  readOutcome(experimentId: string, submission: string): Promise<SubmissionOutcome | undefined> {
    return readJson(outcomeFile(this.experimentFolder(experimentId), submission));
  }

  writeOutcome(outcome: SubmissionOutcome): Promise<void> {
    return writeJson(outcomeFile(this.experimentFolder(outcome.experiment_id), outcome.submission), outcome);
  }
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
