import { realpathSync, statSync } from 'node:fs';
import { basename, extname, isAbsolute, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '../../definition/json.js';
import { hashContent } from '../../identity/hash-content.js';
import type { BrokenFiles } from './broken-files.js';
import { entriesIn, type PythonStore } from './find-python-stores.js';
import { isObject, type PythonObject, parsePythonJson } from './python-json.js';
import { type PythonRun, readText } from './python-record.js';
import { plainObject } from './python-values.js';

/** An artifact whose bytes are there. */
export interface PythonArtifact {
  readonly name: string;
  readonly path: string;
  readonly kind: string;
  readonly format: string;
  readonly metadata: JsonObject;
  /** The beginning of the SHA-256 that its descriptor has; empty where it has none. */
  readonly contentHash: string;
}

export interface AbsentArtifact {
  readonly name: string;
  readonly why: string;
}

export interface ArtifactsOfRun {
  readonly found: readonly PythonArtifact[];
  readonly absent: readonly AbsentArtifact[];
}

const MANIFEST = '_manifest.json';

/**
 * Finds what a run saved: what its record names, what the manifest beside the files names, and files that nobody names.
 *
 * @param source the folder that is imported: of files elsewhere only those with the recorded hash are taken
 */
export async function findArtifacts(
  run: PythonRun,
  store: PythonStore,
  source: string,
  broken: BrokenFiles,
): Promise<ArtifactsOfRun> {
  const folder = folderOfRun(join(store.root, 'artifacts'), run.runId);
  const files = folder === undefined ? [] : filesBelow(folder, '', broken);
  const found = new Map<string, PythonArtifact>();
  const absent: AbsentArtifact[] = [];
  for (const [name, descriptor] of descriptorsOf(run, folder, files, broken)) {
    const path = await locate(textOf(descriptor.uri), hashOf(descriptor), { folder, store, source });
    if (typeof path === 'string') found.set(name, described(name, path, descriptor));
    else absent.push({ name, ...path });
  }
  const taken = new Set([...found.values()].map(({ path }) => path));
  for (const file of files) {
    const path = join(folder!, file);
    if (basename(file) !== MANIFEST && !found.has(file) && !taken.has(path))
      found.set(file, described(file, path, {}));
  }
  return { found: [...found.values()], absent };
}

/** `{run_id}/`, or in layout 2 `{its first two characters}/{run_id}/`. */
export function folderOfRun(parent: string, runId: string): string | undefined {
  const places = [join(parent, runId), join(parent, runId.slice(0, 2), runId)];
  return places.find((place) => statSync(place, { throwIfNoEntry: false })?.isDirectory());
}

/** Relative paths of a folder's files, without hidden and half-written ones. */
export function filesBelow(folder: string, below: string, broken: BrokenFiles): string[] {
  return entriesIn(join(folder, below), broken).flatMap((entry) => {
    const path = join(below, entry.name);
    if (entry.isDirectory()) return filesBelow(folder, path, broken);
    return entry.name.startsWith('.') || /\.tmp\.[0-9a-f]{8}$/.test(entry.name) ? [] : [path];
  });
}

/** By name: those of the record, then what only the manifest has. */
function descriptorsOf(
  run: PythonRun,
  folder: string | undefined,
  files: readonly string[],
  broken: BrokenFiles,
): Map<string, PythonObject> {
  const listed: PythonObject[] = [...run.artifacts];
  if (folder !== undefined && files.includes(MANIFEST)) {
    const path = join(folder, MANIFEST);
    try {
      const manifest = parsePythonJson(readText(path));
      if (!isObject(manifest)) throw new Error('is no JSON object');
      if (Array.isArray(manifest.artifacts)) listed.push(...manifest.artifacts.filter(isObject));
    } catch (error) {
      broken.add(path, error);
    }
  }
  const descriptors = new Map<string, PythonObject>();
  for (const descriptor of listed) {
    const name = textOf(descriptor.name) || basename(textOf(descriptor.uri)) || 'unnamed';
    if (!descriptors.has(name)) descriptors.set(name, descriptor);
  }
  return descriptors;
}

interface Places {
  readonly folder: string | undefined;
  readonly store: PythonStore;
  readonly source: string;
}

/** A store may have been moved since, so that absolute uris, and those relative to where Python ran, lead nowhere. */
async function locate(
  uri: string,
  contentHash: string,
  { folder, store, source }: Places,
): Promise<string | { readonly why: string }> {
  const given = uri.startsWith('file://') ? fileURLToPath(uri) : uri;
  if (given === '') return { why: 'its descriptor has no uri' };
  const [, behind] = /(?:^|[\\/])artifacts[\\/](.+)$/.exec(given) ?? [];
  const places = [
    ...(behind === undefined ? [] : [join(store.root, 'artifacts', behind)]),
    ...(folder === undefined ? [] : [join(folder, basename(given))]),
    ...(isAbsolute(given)
      ? [given]
      : [join(store.root, given), join(store.root, 'artifacts', given), join(source, given)]),
  ];
  const path = places.find((place) => statSync(place, { throwIfNoEntry: false })?.isFile());
  if (path === undefined) return { why: `there is no file ${uri}` };
  if (isInside(path, source)) return path;
  const { content_hash } = await hashContent(path);
  if (contentHash !== '' && content_hash.startsWith(contentHash)) return path;
  return { why: `${uri} is outside of the folder, and not known to be the artifact by its hash` };
}

const isInside = (path: string, folder: string) =>
  `${realpathSync(path)}`.startsWith(`${realpathSync(folder)}${sep}`);

function described(name: string, path: string, descriptor: PythonObject): PythonArtifact {
  const { kind, format, artifact_id, metadata } = descriptor;
  const own = Object.entries(isObject(metadata) ? metadata : {}).filter(([key]) => !key.startsWith('_'));
  const python = Object.fromEntries(
    Object.entries({ artifact_id, kind }).filter(([, value]) => value !== undefined && value !== null),
  );
  return {
    name,
    path,
    kind: kindOf(textOf(kind)),
    format: formatOf(textOf(format) || extname(path).slice(1)),
    metadata: plainObject(
      { ...Object.fromEntries(own), ...(Object.keys(python).length > 0 && { python }) } as PythonObject,
      (key) => key,
      () => {},
    ),
    contentHash: hashOf(descriptor),
  };
}

/** What `capture` calls it here. */
function kindOf(kind: string): string {
  if (kind === 'image') return 'figure';
  return kind === 'file' || kind === 'blob' || kind === '' ? 'file' : 'artifact';
}

const FORMATS: { readonly [format: string]: string } = {
  txt: 'text',
  log: 'text',
  md: 'text',
  bin: 'bytes',
  binary: 'bytes',
  '': 'bytes',
};

/** The names of serializers here; of formats that none reads, the name stays. */
const formatOf = (format: string) => FORMATS[format.toLowerCase()] ?? format.toLowerCase();

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const hashOf = ({ content_hash }: PythonObject) =>
  /^(?:sha256:)?([0-9a-f]{16,64})$/.exec(textOf(content_hash))?.[1] ?? '';
