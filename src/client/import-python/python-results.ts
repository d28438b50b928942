import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject, JsonValue } from '../../definition/json.js';
import type { MetricValue } from '../../definition/record.js';
import type { BrokenFiles } from './broken-files.js';
import type { PythonStore } from './find-python-stores.js';
import { filesBelow, folderOfRun } from './python-artifacts.js';
import { isObject, type PythonValue, parsePythonJson } from './python-json.js';
import { readText } from './python-record.js';
import { metricValues, plainValue, type Warn } from './python-values.js';

/** What `capture.data` saved under a name, or the points of a metric with steps. */
export type PythonResult =
  | { readonly name: string; readonly points: readonly (readonly [step: number, value: number])[] }
  | {
      readonly name: string;
      readonly value: JsonValue;
      /** Its dtype, shape and metadata, as far as it has them. */
      readonly about: JsonObject;
    };

/** `results/{run_id}/{name}.json`: what a run saved as data. */
export function readResults(
  { root }: PythonStore,
  runId: string,
  warn: Warn,
  broken: BrokenFiles,
): PythonResult[] {
  const folder = folderOfRun(join(root, 'results'), runId);
  if (folder === undefined) return [];
  const results: PythonResult[] = [];
  for (const file of filesBelow(folder, '', broken)) {
    if (!file.endsWith('.json')) continue;
    const path = join(folder, file);
    try {
      results.push(resultOf(file.slice(0, -'.json'.length), parsePythonJson(readText(path)), warn));
    } catch (error) {
      broken.add(path, error);
    }
  }
  return results;
}

function resultOf(name: string, result: PythonValue, warn: Warn): PythonResult {
  // Of another writer: the value itself.
  if (!isObject(result) || !('data' in result))
    return { name, value: plainValue(result, `data '${name}'`, warn), about: {} };
  const { data, dtype, shape, metadata } = result;
  const isStepped = isObject(metadata) && metadata.type === 'stepped_metric';
  const points = isStepped ? pointsOf(data!) : undefined;
  if (points) return { name, points };
  const about = Object.entries({ dtype, shape, metadata }).filter(
    ([, value]) =>
      value !== undefined && value !== null && !(isObject(value) && Object.keys(value).length === 0),
  );
  return {
    name,
    value: plainValue(data!, `data '${name}'`, warn),
    about: plainValue(Object.fromEntries(about) as PythonValue, name, () => {}) as JsonObject,
  };
}

/** @returns undefined where a value is no number: a series has only numbers */
function pointsOf(data: PythonValue): (readonly [number, number])[] | undefined {
  if (!Array.isArray(data)) return undefined;
  const points: (readonly [number, number])[] = [];
  for (const point of data) {
    if (!Array.isArray(point) || point.length !== 2) return undefined;
    const [step, value] = point.map((item) => (typeof item === 'bigint' ? Number(item) : item));
    if (typeof step !== 'number' || !Number.isFinite(step) || typeof value !== 'number') return undefined;
    points.push([step, value]);
  }
  return points;
}

/** `derived/{run_id}.json`: metrics that were computed after the run; undefined where there are none. */
export function readDerivedMetrics(
  { root }: PythonStore,
  runId: string,
  broken: BrokenFiles,
): { readonly [name: string]: MetricValue } | undefined {
  const parent = join(root, 'derived');
  const places = [join(parent, `${runId}.json`), join(parent, runId.slice(0, 2), `${runId}.json`)];
  const path = places.find((place) => existsSync(place));
  if (path === undefined) return undefined;
  try {
    const derived = parsePythonJson(readText(path));
    if (!isObject(derived)) throw new Error('is no JSON object');
    const values = metricValues(derived, 'derived metric', () => {});
    return Object.keys(values).length > 0 ? values : undefined;
  } catch (error) {
    broken.add(path, error);
    return undefined;
  }
}
