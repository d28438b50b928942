import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { ErrorDescription } from '../../definition/errors.js';
import type { JsonObject } from '../../definition/json.js';
import type { MetricValue, RunStatus } from '../../definition/record.js';
import type { PythonStore } from './find-python-stores.js';
import { isObject, type PythonObject, type PythonValue, parsePythonJson } from './python-json.js';
import { parsePythonTime } from './python-time.js';
import { metricValues, plainObject, plainValue, textList, type Warn } from './python-values.js';

/** One record of the Python metalab, in the terms of this one. */
export interface PythonRun {
  readonly runId: string;
  readonly experimentId: string;
  readonly status: RunStatus;
  /** Wall-clock milliseconds. */
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly durationMs: number;
  readonly seedFingerprint: string;
  readonly params: JsonObject;
  readonly metrics: { readonly [name: string]: MetricValue };
  readonly error: ErrorDescription | null;
  readonly tags: readonly string[];
  readonly warnings: Set<string>;
  readonly notes: readonly string[];
  /** Its descriptors of artifacts, as they are. */
  readonly artifacts: readonly PythonObject[];
  /** Everything else: what the record's provenance says of where it came from. */
  readonly provenance: JsonObject;
  /** As text: by it and the status, a record that was rewritten is known. */
  readonly finishedText: string;
}

const STATUSES: { readonly [word: string]: RunStatus } = {
  success: 'success',
  succeeded: 'success',
  completed: 'success',
  complete: 'success',
  done: 'success',
  failed: 'failed',
  failure: 'failed',
  error: 'failed',
  cancelled: 'cancelled',
  canceled: 'cancelled',
};
/** Of runs that had not ended. */
const UNFINISHED = new Set(['running', 'pending', 'queued']);

const KNOWN = new Set([
  'run_id',
  'experiment_id',
  'status',
  'started_at',
  'finished_at',
  'duration_ms',
  'metrics',
  'provenance',
  'error',
  'params_resolved',
  'params',
  'tags',
  'warnings',
  'notes',
  'artifacts',
]);

/** @throws what is wrong with the file */
export function readPythonRecord(path: string, store: PythonStore): PythonRun {
  const text = readText(path);
  if (text.trim() === '') throw new Error('is empty');
  const record = parsePythonJson(text);
  if (!isObject(record)) throw new Error('is no JSON object');
  if (!('status' in record) && !('run_id' in record))
    throw new Error('is no record: it has no run_id and no status');
  const warnings = new Set<string>();
  const warn: Warn = (warning) => warnings.add(warning);
  for (const warning of textList(record.warnings)) warn(warning);
  const experimentId = nameOf(record.experiment_id) ?? store.experimentId ?? basename(store.root);
  const runId = nameOf(record.run_id) ?? basename(path, '.json');
  return {
    runId,
    experimentId,
    status: statusOf(record.status, warn),
    ...timesOf(record, path, warn),
    seedFingerprint: nameOf(record.seed_fingerprint) ?? '',
    params: plainObject(paramsOf(record), (key) => `param '${key}'`, warn),
    metrics: metricValues(objectOf(record.metrics, 'metrics'), 'metric', warn),
    error: errorOf(record.error),
    tags: textList(record.tags),
    warnings,
    notes: textList(record.notes),
    artifacts: listOf(record.artifacts).filter(isObject),
    provenance: provenanceOf(record, runId, experimentId),
    finishedText: nameOf(record.finished_at) ?? '',
  };
}

/** A file's text. @throws if it is no UTF-8 */
export const readText = (path: string): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    throw error instanceof TypeError ? new Error('is no UTF-8') : error;
  }
};

/** A record without a status is failed: so the Python metalab reads it. */
function statusOf(value: PythonValue | undefined, warn: Warn): RunStatus {
  if (value === undefined || value === null) {
    warn('the record had no status');
    return 'failed';
  }
  const word = String(value).trim().toLowerCase().replace(/^.*\./, '');
  const status = STATUSES[word];
  if (status) return status;
  if (!UNFINISHED.has(word)) throw new Error(`has the unknown status ${JSON.stringify(String(value))}`);
  warn(`its status was '${word}': it had not ended when it was imported`);
  return 'cancelled';
}

function timesOf(record: PythonObject, path: string, warn: Warn) {
  const started = parsePythonTime(record.started_at);
  const finished = parsePythonTime(record.finished_at);
  if (started === undefined || finished === undefined) warn('the record lacked started_at or finished_at');
  const finishedAt = finished ?? started ?? statSync(path).mtimeMs;
  const startedAt = started ?? finishedAt;
  const { duration_ms: duration } = record;
  const isDuration = typeof duration === 'number' && Number.isFinite(duration) && duration >= 0;
  return {
    startedAt,
    finishedAt,
    durationMs: isDuration ? duration : Math.max(0, finishedAt - startedAt),
  };
}

/** `params` in records of other writers. */
function paramsOf(record: PythonObject): PythonObject {
  return objectOf(record.params_resolved ?? record.params, 'params');
}

function errorOf(error: PythonValue | undefined): ErrorDescription | null {
  if (error === undefined || error === null) return null;
  if (!isObject(error)) return { type: 'Error', message: String(error) };
  const { type, message, traceback } = error;
  return {
    type: nameOf(type) ?? 'Error',
    message: nameOf(message) ?? '',
    ...(typeof traceback === 'string' && { stack: traceback }),
  };
}

/** What has no place of its own in a record is kept here, by its name with `python_` before it. */
function provenanceOf(record: PythonObject, run_id: string, experiment_id: string): JsonObject {
  const { host, executor_id, ...theirs } = isObject(record.provenance) ? record.provenance : {};
  const others = Object.entries(record).filter(([key]) => !KNOWN.has(key));
  const { status, started_at, finished_at } = record;
  const times = { status, started_at, finished_at };
  const kept = { run_id, experiment_id, ...times, ...Object.fromEntries(others), ...theirs };
  const members = Object.entries({ host, executor: executor_id, ...prefixed(kept) });
  return plainObject(
    Object.fromEntries(members.filter(([, value]) => !isNothing(value))) as PythonObject,
    (key) => key,
    () => {},
  );
}

const prefixed = (values: { readonly [key: string]: PythonValue | undefined }) =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => [`python_${key.replace(/^(_|python_)+/, '')}`, value]),
  );

const isNothing = (value: PythonValue | undefined) =>
  value === undefined || value === null || (isObject(value) && Object.keys(value).length === 0);

function objectOf(value: PythonValue | undefined, name: string): PythonObject {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new Error(`its ${name} are no JSON object`);
  return value;
}

const listOf = (value: PythonValue | undefined): PythonValue[] => (Array.isArray(value) ? value : []);

/** A text, or what was meant as one; undefined where there is nothing. */
const nameOf = (value: PythonValue | undefined): string | undefined =>
  value === undefined || value === null || value === ''
    ? undefined
    : typeof value === 'string'
      ? value
      : JSON.stringify(plainValue(value, '', () => {}));
