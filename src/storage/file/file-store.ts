import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ExperimentDeclaration } from '../../definition/declaration.js';
import type { ArtifactDescriptor, RunRecord } from '../../definition/record.js';
import { canonicalJson } from '../../identity/canonical.js';
import { sha256 } from '../../identity/fingerprint.js';
import type { ExperimentManifest, PlanManifest, SubmissionManifest, SubmissionOutcome } from '../manifest.js';
import { type PostgresSettings, postgresUri } from '../postgresql/settings.js';
import type {
  ArtifactOpen,
  ExperimentManifests,
  FileText,
  LineKind,
  LogListing,
  LogPath,
  Store,
  StructuredResults,
  WorkingDirectory,
} from '../store.js';
import { openArtifact } from './artifacts.js';
import { writeAtomically } from './atomic-write.js';
import { listDerived } from './formats/derived.js';
import { lineChunks } from './formats/lines.js';
import { type LoggedRun, readLogs } from './formats/logs.js';
import { listSegments } from './formats/segments.js';
import { readData, readSeries } from './formats/sidecars.js';
import {
  declarationFile,
  experimentIdOf,
  folderOf,
  manifestFile,
  outcomeFile,
  planFile,
  submissionFile,
} from './layout.js';
import { StoreLease } from './lease.js';
import { listNames } from './list-names.js';
import { listManifestFiles } from './manifest-files.js';
import { readJson, readText } from './read-json.js';
import { verifyContent } from './submission-file.js';
import { readSubmissions } from './submissions.js';

/** `store.json`: what makes a folder a store. */
export interface StoreFile {
  /** 16 random hex digits: the same through every mount and link. */
  readonly id: string;
  /** Of the fingerprints that run ids are: those of two schemes are never the same. */
  readonly scheme: number;
}

/**
 * A store that is a folder: it has every capability. What reads and writes segments does so in an experiment's folder, by
 * the functions in this one. Reads of manifests give `undefined` where there is none.
 */
export class FileStore
  implements
    Store,
    WorkingDirectory,
    ArtifactOpen,
    LogPath,
    LogListing,
    StructuredResults,
    ExperimentManifests
{
  readonly root: string;
  readonly id: string;
  readonly scheme: number;
  /** What `--store` takes to open it again, e.g. `file:///data/experiments`. */
  readonly uri: string;
  readonly lease: StoreLease;
  /** The index in PostgreSQL that is kept of it, if any. */
  readonly index: PostgresSettings | undefined;

  constructor(root: string, { id, scheme }: StoreFile, index?: PostgresSettings) {
    this.root = root;
    this.id = id;
    this.scheme = scheme;
    this.uri = index ? postgresUri(index) : pathToFileURL(root).href;
    this.index = index;
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

  async logFiles(experimentId: string): Promise<string[]> {
    return (await listSegments(this.experimentFolder(experimentId), 'logs')).map(({ path }) => path);
  }

  async *lines(experimentId: string, kind: LineKind): AsyncGenerator<FileText, void> {
    const folder = this.experimentFolder(experimentId);
    const files = kind === 'derived' ? await listDerived(folder) : await listSegments(folder, kind);
    for (const { path } of files) {
      const name = relative(folder, path);
      for await (const { bytes } of lineChunks(path)) yield { path: name, text: bytes.toString('utf8') };
    }
  }

  async *manifests(experimentId: string): AsyncGenerator<FileText, void> {
    const folder = this.experimentFolder(experimentId);
    for (const path of await listManifestFiles(folder)) {
      const text = await readText(join(folder, path));
      if (text !== undefined) yield { path, text };
    }
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
    return (await readSubmissions(this.experimentFolder(experimentId))).map(({ submission }) => submission);
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

/** Indented for people, unless it is too large for them: a list of a million cases takes 50 MB indented, 19 without. */
const MAX_INDENTED = 1024 * 1024;

function writeJson(path: string, value: object): Promise<void> {
  const text = JSON.stringify(value);
  const indented = text.length <= MAX_INDENTED ? JSON.stringify(value, undefined, 2) : text;
  return writeAtomically(path, `${indented}\n`);
}
