import type { JsonObject, JsonValue } from '../../definition/json.js';
import type { MetricValue } from '../../definition/record.js';
import { isObject, type PythonObject, type PythonValue } from './python-json.js';

/** Hears of everything that can't be kept as it was. */
export type Warn = (warning: string) => void;

/**
 * A value as plain JSON. Numbers that JSON can't hold exactly become text: NaN, infinities, integers beyond 2^53.
 *
 * @param name how the value is called in warnings
 */
export function plainValue(value: PythonValue, name: string, warn: Warn): JsonValue {
  if (Array.isArray(value)) return value.map((item) => plainValue(item, name, warn));
  if (isObject(value)) return plainObject(value, () => name, warn);
  if (typeof value !== 'bigint' && !(typeof value === 'number' && !Number.isFinite(value))) return value;
  warn(`${name} holds ${inWords(value)}, which is kept as text`);
  return String(value);
}

/** @param nameOf how a member is called in warnings */
export function plainObject(value: PythonObject, nameOf: (key: string) => string, warn: Warn): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, plainValue(item, nameOf(key), warn)]),
  );
}

const inWords = (value: number | bigint) =>
  typeof value === 'bigint' ? 'an integer beyond 2^53' : String(value);

/** Metrics, or derived metrics: what is no scalar becomes text, and None is left out. */
export function metricValues(
  values: PythonObject,
  kind: string,
  warn: Warn,
): { readonly [name: string]: MetricValue } {
  const metrics: [string, MetricValue][] = [];
  for (const [name, value] of Object.entries(values)) {
    if (value === null) warn(`${kind} '${name}' was None, and is left out`);
    else if (typeof value === 'object') {
      warn(`${kind} '${name}' is no scalar, and is kept as JSON text`);
      metrics.push([name, JSON.stringify(plainValue(value, `${kind} '${name}'`, warn))]);
    } else if (typeof value === 'bigint') {
      metrics.push([name, plainValue(value, `${kind} '${name}'`, warn) as string]);
    } else metrics.push([name, value]);
  }
  return Object.fromEntries(metrics);
}

/** A list of texts, from a list of anything or a single value. */
export function textList(value: PythonValue | undefined): string[] {
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? value : [value]).map(textOf);
}

/** Structured warnings of the Python metalab have a `message`. */
function textOf(value: PythonValue): string {
  if (typeof value === 'string') return value;
  if (isObject(value) && typeof value.message === 'string' && Object.keys(value).length === 1)
    return value.message;
  return JSON.stringify(plainValue(value, '', () => {}));
}
