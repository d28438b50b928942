import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { InfrastructureError, StoreError, UsageError } from '../../definition/errors.js';
import { oneOfNearest } from '../../definition/nearest.js';
import type { ArtifactDescriptor, RunRecord } from '../../definition/record.js';
import { hashContent } from '../../identity/hash-content.js';
import type { Results } from '../../results/results.js';
import { requireFileStore } from '../../storage/capabilities.js';
import { damagedArtifact } from '../../storage/file/artifacts.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { outputError, writeNewFile } from '../../storage/file/write-new-file.js';
import type { Prompter } from '../../transport/prompter.js';
import { TransportError } from '../../transport/transport-error.js';
import { bringArtifacts } from '../cluster/bring-artifacts.js';
import { artifactFileNames } from './file-names.js';

/** Which artifacts are saved, and how. */
export interface SaveOptions {
  /** Only artifacts of these names; by default all. */
  readonly names?: readonly string[];
  /** `RUNID-name` in the folder itself, instead of a folder for each run. */
  readonly flat?: boolean;
  /** Replaces files that are there. */
  readonly force?: boolean;
}

interface SaveDependencies {
  /** Asks the user if a cluster's login needs it. */
  readonly prompter?: Prompter;
  readonly say?: (line: string) => void;
  /** Called with how many are done. */
  readonly onProgress?: (done: number) => void;
}

/** What became of the artifacts. */
export interface SavedArtifacts {
  readonly saved: number;
  /** Files that were there already, with the same bytes. */
  readonly there: number;
  readonly failed: readonly { readonly run_id: string; readonly name: string; readonly why: string }[];
}

/**
 * Saves the artifacts of the runs that match as files in a folder, and fetches those that are only on a cluster. What can't
 * be saved is reported with its reason, and the rest is saved.
 *
 * @throws UsageError if the folder can't be written, or no run has an artifact of one of the names
 */
export async function saveArtifacts(
  results: Results,
  folder: string,
  { names, flat = false, force = false }: SaveOptions = {},
  { prompter, say, onProgress = () => {} }: SaveDependencies = {},
): Promise<SavedArtifacts> {
  const store = requireFileStore(results.store, 'opening artifacts');
  const { experiment } = results;
  const isWanted = ({ name }: ArtifactDescriptor) => names === undefined || names.includes(name);
  const bring = { ...(prompter ? { prompter } : {}), ...(say ? { say } : {}) };
  const records = wantedOf(results, isWanted, names);
  const unreachable = await bringArtifacts(store, experiment, records, bring).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof TransportError || error instanceof InfrastructureError) return error.what;
      throw error;
    },
  );
  const failed: SavedArtifacts['failed'][number][] = [];
  const counts = { saved: 0, there: 0 };
  for await (const { run_id, artifacts } of results.records()) {
    const files = artifactFileNames(artifacts);
    for (const [at, artifact] of artifacts.entries()) {
      if (!isWanted(artifact)) continue;
      const target = join(folder, flat ? `${run_id}-${files[at]}` : join(run_id, files[at]!));
      const outcome = await saveOne({ store, experiment, artifact, target, force, unreachable });
      if (outcome === 'saved' || outcome === 'there') counts[outcome]++;
      else failed.push({ run_id, name: artifact.name, why: outcome.why });
      onProgress(counts.saved + counts.there + failed.length);
    }
  }
  return { ...counts, failed };
}

const noSuchArtifacts = (experiment: string, unknown: readonly string[], known: readonly string[]) =>
  new UsageError({
    code: 'METALAB_UNKNOWN_NAME',
    where: experiment,
    what: `no run that matches has an artifact ${unknown.map((name) => `'${name}'`).join(' or ')}`,
    expected: known.length > 0 ? oneOfNearest(unknown[0]!, known) : 'runs that saved artifacts',
  });

/** @throws UsageError at the end, if no run has an artifact of one of the names */
async function* wantedOf(
  results: Results,
  isWanted: (artifact: ArtifactDescriptor) => boolean,
  names: readonly string[] = [],
): AsyncGenerator<RunRecord, void> {
  const known = new Set<string>();
  for await (const record of results.records()) {
    for (const { name } of record.artifacts) known.add(name);
    yield { ...record, artifacts: record.artifacts.filter(isWanted) };
  }
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) throw noSuchArtifacts(results.experiment, unknown, [...known]);
}

interface OneArtifact {
  readonly store: FileStore;
  readonly experiment: string;
  readonly artifact: ArtifactDescriptor;
  readonly target: string;
  readonly force: boolean;
  /** Why a cluster could not be asked. */
  readonly unreachable: string | undefined;
}

async function saveOne({ store, experiment, artifact, target, force, unreachable }: OneArtifact) {
  if (!force && (await stat(target).catch(() => undefined)))
    return (await hasContent(target, artifact))
      ? 'there'
      : { why: `${target} exists, with other bytes: --force replaces it` };
  try {
    const bytes = await store.openArtifact(experiment, artifact);
    // Closes the artifact's file also if nothing was read.
    await writeVerified(bytes, { store, artifact, target, force }).finally(() => bytes.destroy());
    return 'saved';
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const isMissing = error.code === 'METALAB_ARTIFACT_MISSING';
    return { why: isMissing && unreachable !== undefined ? unreachable : error.what };
  }
}

/** Writes an artifact's bytes to a file, which is only there afterwards if they have the artifact's hash. */
async function writeVerified(
  bytes: Readable,
  { store, artifact, target, force }: Pick<OneArtifact, 'store' | 'artifact' | 'target' | 'force'>,
): Promise<void> {
  const hash = createHash('sha256');
  await makeFolder(dirname(target));
  await writeNewFile({ target, force }, async (path) => {
    await pipeline(
      bytes,
      async function* (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          hash.update(piece);
          yield piece;
        }
      },
      createWriteStream(path),
    );
    if (hash.digest('hex') !== artifact.content_hash) throw damagedArtifact(store.root, artifact);
  });
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw outputError({ target: folder }, `can't make it: ${(error as Error).message}`, error as Error);
  }
}

async function hasContent(path: string, { content_hash, size_bytes }: ArtifactDescriptor): Promise<boolean> {
  if ((await stat(path)).size !== size_bytes) return false;
  return (await hashContent(path)).content_hash === content_hash;
}
