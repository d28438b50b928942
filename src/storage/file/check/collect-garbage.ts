import { opendir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExperimentManifest, SubmissionManifest } from '../../manifest.js';
import { findLost } from '../formats/coverage.js';
import { listPacks } from '../formats/packs.js';
import { readCoverage } from '../formats/runs-file.js';
import { artifactsFolder, bundleFolder, declarationFile, manifestFile, submissionFile } from '../layout.js';
import { listNames } from '../list-names.js';
import { readJson } from '../read-json.js';
import { submissionsOf } from './check-experiment.js';
import { readDeclarationOf } from './check-named.js';
import type { Garbage } from './garbage.js';
import { findLeftovers, isTemporary } from './leftovers.js';
import { findNeededArtifacts } from './needed-artifacts.js';
import { findPackGarbage } from './pack-garbage.js';

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

/** None where a segment is known to be gone: it may be copied back. */
async function* unreferencedArtifacts(folder: string): AsyncGenerator<Garbage> {
  const coverage = await readCoverage(folder, { evenStale: true });
  if (coverage && (await findLost(folder, coverage.segments)).length > 0) return;
  const names = await opendir(artifactsFolder(folder)).catch(() => undefined);
  if (!names && (await listPacks(folder)).length === 0) return;
  const needed = await findNeededArtifacts(folder);
  for await (const { name } of names ?? []) {
    const path = join(artifactsFolder(folder), name);
    if (isTemporary(name)) yield await garbage(path, 'a temporary file');
    else if (!needed.files.has(`artifacts/${name}`))
      yield await garbage(path, 'no final record of a run refers to it');
  }
  yield* findPackGarbage(folder, needed);
}
