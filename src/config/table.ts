import { isObject } from '../definition/type-guards.js';
import type { Path } from './positions.js';

/** A TOML table as plain JSON. */
export type Table = { readonly [key: string]: unknown };

/** Merges one table over another, deeply: tables are merged, everything else is replaced. */
export function mergeTables(base: Table, over: Table): Table {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isObject(below) && isObject(value) ? mergeTables(below, value) : value;
  }
  return merged;
}

/** The value at a path; undefined if there is none. */
export function valueAt(value: unknown, [key, ...rest]: Path): unknown {
  if (key === undefined) return value;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return valueAt((value as { readonly [key: string | number]: unknown })[key], rest);
}

/** A table with another value at a path; without the path's last key where the value is undefined. */
export function withValue(table: Table, [key, ...rest]: readonly string[], value: unknown): Table {
  if (key === undefined) return table;
  const { [key]: below, ...others } = table;
  const made = rest.length === 0 ? value : withValue(isObject(below) ? below : {}, rest, value);
  return made === undefined ? others : { ...table, [key]: made };
}
