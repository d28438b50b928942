import type { Occurrence, ValueColumn } from '../../storage/file/formats/runs-file.js';
import type { ValuePart } from '../duckdb/value-parts.js';
import { valueTypeOrder } from '../duckdb/value-parts.js';
import { mainTypeOf } from '../query/columns.js';

/**
 * Names of the file's columns: `params.x` and `metrics.y` hold the values of the column's own type, as in results; values of
 * other types are in `metrics.y (text)` and so on. DuckDB takes names that differ in case alone for equal: the second of
 * them gets a number.
 */
export function nameColumns(parts: Iterable<ValuePart>, occurrences: readonly Occurrence[]): ValueColumn[] {
  const own = new Map(occurrences.map(({ source, key, counts }) => [`${source}.${key}`, mainTypeOf(counts)]));
  const order = ({ source, key, type }: ValuePart) =>
    own.get(`${source}.${key}`) === type ? -1 : valueTypeOrder(type);
  const sorted = [...parts].sort(
    (a, b) => compare(a.source, b.source) || compare(a.key, b.key) || order(a) - order(b),
  );
  const used = new Set<string>();
  let previous: ValuePart | undefined;
  return sorted.map(({ source, key, type }) => {
    const isFirst = previous?.source !== source || previous.key !== key;
    previous = { source, key, type };
    const plain = `${source}.${key}${isFirst ? '' : ` (${type})`}`;
    let name = plain;
    for (let number = 2; used.has(name.toLowerCase()); number++) name = `${plain} (${number})`;
    used.add(name.toLowerCase());
    return { source, key, type, name };
  });
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
