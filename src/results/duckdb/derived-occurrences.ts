import type { Occurrence } from '../../storage/file/formats/runs-file.js';
import type { Database } from './database.js';
import { partKey, type ValuePart } from './value-parts.js';

/** So many columns are counted in one pass over the runs: more take more memory. */
const COLUMNS_AT_ONCE = 64;

/**
 * Counts the derived metrics that runs have. It can't be done while lines are read: which of them count is known by the
 * runs.
 *
 * @param rows of runs, with these parts under these names
 */
export async function countDerived(
  database: Database,
  parts: readonly ValuePart[],
  rows: (parts: ReadonlyMap<string, string>) => string,
): Promise<Occurrence[]> {
  const found = new Map<string, Counted[]>();
  for (let from = 0; from < parts.length; from += COLUMNS_AT_ONCE) {
    const some = parts.slice(from, from + COLUMNS_AT_ONCE);
    const names = new Map(some.map((part, at) => [partKey(part), `p${at}`]));
    const columns = some.flatMap(({ type }, at) => countsOf(type, `p${at}`, at));
    const [row = {}] = await database.all(`SELECT ${columns.join(', ')} FROM ${rows(names)}`);
    for (const [at, { key, type }] of some.entries()) {
      const counted = {
        type,
        n: Number(row[`n${at}`]),
        nonfinite: Number(row[`nonfinite${at}`] ?? 0),
        whole: row[`whole${at}`] !== false,
        least: String(row[`least${at}`]),
        most: String(row[`most${at}`]),
      };
      if (counted.n > 0) found.set(key, [...(found.get(key) ?? []), counted]);
    }
  }
  return [...found].map(([key, counted]) => occurrenceOf(key, counted));
}

interface Counted {
  readonly type: ValuePart['type'];
  readonly n: number;
  readonly nonfinite: number;
  readonly whole: boolean;
  readonly least: string;
  readonly most: string;
}

function countsOf(type: ValuePart['type'], name: string, at: number): string[] {
  const ofNumbers = [
    `count(*) FILTER (NOT isfinite(${name})) AS nonfinite${at}`,
    `bool_and(isfinite(${name}) AND ${name} = trunc(${name}) AND abs(${name}) <= ${Number.MAX_SAFE_INTEGER}) AS whole${at}`,
  ];
  return [
    `count(${name}) AS n${at}`,
    `CAST(min(${name}) AS VARCHAR) AS least${at}`,
    `CAST(max(${name}) AS VARCHAR) AS most${at}`,
    ...(type === 'number' ? ofNumbers : []),
  ];
}

function occurrenceOf(key: string, counted: readonly Counted[]): Occurrence {
  const counts = Object.fromEntries(counted.map(({ type, n }) => [type, n]));
  const nonfinite = counted.reduce((sum, each) => sum + each.nonfinite, 0);
  return {
    source: 'derived',
    key,
    counts: nonfinite > 0 ? { ...counts, nonfinite } : counts,
    whole: counted.every(({ whole }) => whole),
    varies: counted.length > 1 || counted.some(({ least, most }) => least !== most),
    sample: counted[0]!.least,
  };
}
