import { type Dirent, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { BrokenFiles } from './broken-files.js';
import { isObject, parsePythonJson } from './python-json.js';

/** A folder in which the Python metalab keeps `runs/`, `artifacts/`, `logs/` and so on, of one experiment or several. */
export interface PythonStore {
  readonly root: string;
  /** The folder of the record files; `root` itself where these were copied out alone. */
  readonly runs: string;
  /** What `_meta.json` says, for records that name no experiment. */
  readonly experimentId: string | undefined;
}

export interface FoundStores {
  readonly stores: readonly PythonStore[];
  /** Folders whose records are in shards, as layouts 3 and 4 have them. */
  readonly sharded: readonly string[];
}

/** `runs/pi_mc/runs/` below a project's folder is the deepest that the Python metalab makes. */
const MAX_DEPTH = 3;
const OWN_FOLDERS = new Set([
  'artifacts',
  'derived',
  'events',
  'experiments',
  'heartbeats',
  'index',
  'logs',
  'metadata',
  'node_modules',
  'outputs',
  'records',
  'results',
]);

/** Finds the stores in a folder and below it. The folder may be a root, one experiment of it, or its `runs/`. */
export function findPythonStores(folder: string, broken: BrokenFiles): FoundStores {
  const entries = entriesIn(folder, broken);
  if (basename(folder) === 'runs' && hasRecords(entries, folder, broken))
    return { stores: [storeOf(dirname(folder), folder)], sharded: [] };
  if (isRecordsFolder(folder, entries)) return { stores: [storeOf(folder, folder)], sharded: [] };
  const found = { stores: [], sharded: [] };
  search(folder, 0, found, broken);
  return found;
}

function search(
  folder: string,
  depth: number,
  found: { readonly stores: PythonStore[]; readonly sharded: string[] },
  broken: BrokenFiles,
): void {
  const runs = join(folder, 'runs');
  const holdsRecords = hasRecords(entriesIn(runs, broken), runs, broken);
  if (isSharded(folder)) found.sharded.push(folder);
  else if (holdsRecords || existsSync(metaFile(folder))) found.stores.push(storeOf(folder, runs));
  if (depth === MAX_DEPTH) return;
  for (const name of foldersOf(entriesIn(folder, broken), folder)) {
    if (name.startsWith('.') || OWN_FOLDERS.has(name) || (name === 'runs' && holdsRecords)) continue;
    search(join(folder, name), depth + 1, found, broken);
  }
}

const metaFile = (folder: string) => join(folder, '_meta.json');

const isSharded = (folder: string) =>
  existsSync(join(folder, '.metalab', 'meta.json')) || existsSync(join(folder, 'runs', 'shards'));

/** Whether records are directly in the folder, or in folders of two characters, as layout 2 has them. */
const hasRecords = (entries: readonly Dirent[], folder: string, broken: BrokenFiles) =>
  recordNames(entries).length > 0 ||
  shardsOf(entries, folder).some((name) => recordNames(entriesIn(join(folder, name), broken)).length > 0);

/** Whether somebody has copied record files alone: the first is asked. */
function isRecordsFolder(folder: string, entries: readonly Dirent[]): boolean {
  const [first] = recordNames(entries);
  if (first === undefined) return false;
  try {
    const record = parsePythonJson(readFileSync(join(folder, first), 'utf8'));
    return isObject(record) && 'run_id' in record && 'status' in record;
  } catch {
    return false;
  }
}

function storeOf(root: string, runs: string): PythonStore {
  let experimentId: string | undefined;
  try {
    const meta = parsePythonJson(readFileSync(metaFile(root), 'utf8'));
    if (isObject(meta) && typeof meta.experiment_id === 'string') experimentId = meta.experiment_id;
  } catch {
    // It only names the experiment of records that don't.
  }
  return { root, runs, experimentId };
}

/** Paths of the record files of a store, sorted. */
export function listRecords({ runs }: PythonStore, broken: BrokenFiles): string[] {
  const entries = entriesIn(runs, broken);
  const inShards = shardsOf(entries, runs).flatMap((shard) =>
    recordNames(entriesIn(join(runs, shard), broken)).map((name) => join(runs, shard, name)),
  );
  return [...recordNames(entries).map((name) => join(runs, name)), ...inShards];
}

const recordNames = (entries: readonly Dirent[]) =>
  entries.map(({ name }) => name).filter((name) => name.endsWith('.json') && !/^[._]/.test(name));

const shardsOf = (entries: readonly Dirent[], folder: string) =>
  foldersOf(
    entries.filter(({ name }) => name.length === 2),
    folder,
  );

const foldersOf = (entries: readonly Dirent[], folder: string) =>
  entries
    .filter(
      (entry) =>
        entry.isDirectory() ||
        (entry.isSymbolicLink() &&
          statSync(join(folder, entry.name), { throwIfNoEntry: false })?.isDirectory() === true),
    )
    .map(({ name }) => name);

/** Sorted by name; none where there is no such folder. One that can't be read is broken. */
export function entriesIn(folder: string, broken: BrokenFiles): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') broken.add(folder, error);
    return [];
  }
}
