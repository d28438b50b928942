import { opendir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StoreError } from '../../../definition/errors.js';
import type { ExperimentManifest, SubmissionManifest } from '../../manifest.js';
import { findLost } from '../formats/coverage.js';
import { readRecord } from '../formats/read-record.js';
import { scanFinalHeads } from '../formats/records.js';
import { readCoverage } from '../formats/runs-file.js';
import { openLines } from '../formats/segments.js';
import {
  artifactsFolder,
  bundleFolder,
  declarationFile,
  manifestFile,
  segmentsFolder,
  submissionFile,
} from '../layout.js';
import { listNames } from '../list-names.js';
import { readJson } from '../read-json.js';
import { submissionsOf } from './check-experiment.js';
import { readDeclarationOf } from './check-named.js';
import { findLeftovers, isTemporary } from './leftovers.js';

/** Something that nothing needs any more. */
export interface Garbage {
  readonly path: string;
  readonly why: string;
  readonly bytes: number;
  remove(): Promise<void>;
}

/** Where what is needed can't be told, as with a damaged manifest, nothing counts as garbage. Segments never do. */
export async function* findGarbage(root: string): AsyncGenerator<Garbage> {
  for await (const { path } of findLeftovers(root, { alone: true }, 4))
    yield await garbage(path, 'a temporary file: its writer was killed');
  for (const name of (await listNames(root)).filter((entry) => entry.includes('@'))) {
    const folder = join(root, name);
    yield* unreferencedFiles(folder);
    yield* unreferencedArtifacts(folder);
  }
}

async function garbage(path: string, why: string): Promise<Garbage> {
  return {
    path,
    why,
    bytes: await totalSize(path),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

async function totalSize(path: string): Promise<number> {
  const entry = await stat(path).catch(() => undefined);
  if (!entry?.isDirectory()) return entry?.size ?? 0;
  const sizes = await Promise.all((await listNames(path)).map((name) => totalSize(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function* unreferencedFiles(folder: string): AsyncGenerator<Garbage> {
  const declarations = new Set<string>();
  for (const id of await submissionsOf(folder)) {
    const manifest = await readJson<SubmissionManifest>(submissionFile(folder, id)).catch(() => undefined);
    if (!manifest) return;
    declarations.add(manifest.declaration);
  }
  const latest = await readJson<ExperimentManifest>(manifestFile(folder)).catch(() => undefined);
  if (latest) declarations.add(latest.declaration);
  const bundles = new Set<string>();
  for (const sha of declarations) {
    const declaration = await readDeclarationOf(folder, sha);
    if (!declaration) return;
    bundles.add(declaration.operation.bundle);
  }
  const why = 'no submission refers to it';
  for (const name of await listNames(dirname(declarationFile(folder, '_')))) {
    const sha = name.replace(/\.json$/, '');
    if (!declarations.has(sha)) yield await garbage(declarationFile(folder, sha), why);
  }
  for (const sha of await listNames(dirname(bundleFolder(folder, '_'))))
    if (!bundles.has(sha)) yield await garbage(bundleFolder(folder, sha), why);
}

/** Memory: 300 bytes a run and 100 an artifact. None where a segment is known to be gone: it may be copied back. */
async function* unreferencedArtifacts(folder: string): AsyncGenerator<Garbage> {
  const coverage = await readCoverage(folder, { evenStale: true });
  if (coverage && (await findLost(folder, coverage.segments)).length > 0) return;
  const entries = await opendir(artifactsFolder(folder)).catch(() => undefined);
  if (!entries) return;
  const needed = await neededArtifacts(folder);
  for await (const { name } of entries) {
    if (isTemporary(name)) yield await garbage(join(artifactsFolder(folder), name), 'a temporary file');
    else if (!needed.has(name))
      yield await garbage(join(artifactsFolder(folder), name), 'no final record of a run refers to it');
  }
}

async function neededArtifacts(folder: string): Promise<Set<string>> {
  const needed = new Set<string>();
  const finals = await scanFinalHeads(folder);
  const lines = openLines(readRecord);
  try {
    for (const { segment, offset, run_id } of finals.values()) {
      const record = await lines.read(join(segmentsFolder(folder), segment), offset);
      if (!record) throw unreadable(join(segmentsFolder(folder), segment), run_id);
      for (const { uri } of record.artifacts) needed.add(uri.replace(/^artifacts\//, ''));
    }
  } finally {
    await lines.close();
  }
  return needed;
}

const unreadable = (path: string, runId: string): StoreError =>
  new StoreError({
    code: 'METALAB_STORE_CORRUPT',
    where: path,
    what: `the record of run ${runId} is damaged: which artifacts it needs can't be told`,
    next: 'metalab store check --repair',
  });
