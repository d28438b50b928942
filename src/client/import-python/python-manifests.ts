import { join } from 'node:path';
import type { JsonObject } from '../../definition/json.js';
import type { BrokenFiles } from './broken-files.js';
import { entriesIn, type PythonStore } from './find-python-stores.js';
import { isObject, type PythonObject, parsePythonJson } from './python-json.js';
import { readText } from './python-record.js';
import { plainObject } from './python-values.js';

/** The manifests that stores have of their experiments, oldest first, by the experiment's id. */
export function readManifests(
  stores: readonly PythonStore[],
  broken: BrokenFiles,
): Map<string, PythonObject[]> {
  const manifests = new Map<string, PythonObject[]>();
  for (const store of stores) {
    const folder = join(store.root, 'experiments');
    for (const { name } of entriesIn(folder, broken)) {
      if (!name.endsWith('.json') || name.startsWith('.')) continue;
      const path = join(folder, name);
      try {
        const [id, manifest] = readManifest(path, store);
        manifests.set(id, [...(manifests.get(id) ?? []), manifest]);
      } catch (error) {
        broken.add(path, error);
      }
    }
  }
  for (const list of manifests.values()) list.sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1));
  return manifests;
}

function readManifest(path: string, { experimentId }: PythonStore): [string, PythonObject] {
  const manifest = parsePythonJson(readText(path));
  if (!isObject(manifest)) throw new Error('is no JSON object');
  const id = typeof manifest.experiment_id === 'string' ? manifest.experiment_id : experimentId;
  if (id === undefined) throw new Error('has no experiment_id');
  return [id, manifest];
}

const timeOf = ({ submitted_at }: PythonObject) => (typeof submitted_at === 'string' ? submitted_at : '');

/** A manifest as data. Lists of all run_ids, which early versions wrote, are left out: the records have them. */
export function keptManifest({ run_ids: _, ...manifest }: PythonObject): JsonObject {
  return plainObject(
    manifest,
    (key) => key,
    () => {},
  );
}
