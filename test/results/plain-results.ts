import type { JsonValue } from '../../src/definition/json.js';
import type { RunRecord } from '../../src/definition/record.js';
import type { Condition } from '../../src/results/query/conditions.js';
import { studentT975 } from '../../src/results/query/student-t.js';

/** What queries are compared with: the same answers, by plain loops over the records. */
/** A record with the metrics that are derived of its run. */
export type PlainRecord = RunRecord & { readonly derived: { readonly [name: string]: JsonValue } };

export interface PlainColumn {
  readonly name: string;
  readonly source: 'params' | 'metrics' | 'derived';
  readonly key: string;
  /** That of most values. */
  readonly type: string;
  readonly cells: readonly (JsonValue | undefined)[];
}

export interface PlainSort {
  readonly column: PlainColumn;
  readonly descending: boolean;
}

const TYPES = ['number', 'text', 'boolean', 'json'];

export function columnOf(
  records: readonly PlainRecord[],
  source: PlainColumn['source'],
  key: string,
): PlainColumn {
  const cells = records.map((record) => cellOf(record, { source, key }));
  const counts = TYPES.map((type) => cells.filter((cell) => typeOf(cell) === type).length);
  const most = Math.max(...counts);
  const type = most === 0 ? 'text' : TYPES[counts.indexOf(most)]!;
  return { name: `${source}.${key}`, source, key, type, cells };
}

function typeOf(value: JsonValue | undefined): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (typeof value === 'object') return 'json';
  return typeof value === 'string' ? 'text' : typeof value;
}

const cellOf = (record: PlainRecord, { source, key }: Pick<PlainColumn, 'source' | 'key'>) =>
  Object.hasOwn(record[source], key) ? (record[source][key] as JsonValue) : undefined;

const textOf = (value: JsonValue | undefined) =>
  `${typeOf(value)} ${typeof value === 'number' ? value : JSON.stringify(value)}`;
const areEqual = (a: JsonValue | undefined, b: JsonValue | undefined) => textOf(a) === textOf(b);

/** Whether a record matches all of these. */
function matches(record: PlainRecord, where: readonly Condition[], columns: readonly PlainColumn[]): boolean {
  return where.every((condition) => {
    const cell = cellOf(record, columns.find(({ name }) => name === condition.column)!);
    if (condition.op === 'missing') return cell === undefined;
    if (condition.op === 'present') return cell !== undefined;
    if (condition.op === 'in') return condition.values.some((value) => areEqual(value, cell));
    if (!('value' in condition)) throw new Error('conditions of typed text are not made here');
    const { op, value } = condition;
    if (op === '=') return areEqual(cell, value);
    if (op === '!=') return !areEqual(cell, value);
    if (typeOf(cell) !== typeOf(value)) return false;
    const [a, b] = [cell as number, value as number];
    return op === '<' ? a < b : op === '<=' ? a <= b : op === '>' ? a > b : a >= b;
  });
}

/** The place of a value: of the column's own type first, those that are not finite after the others, missing ones last. */
function rankOf(value: JsonValue | undefined, main: string): number {
  const order = [main, ...['number', 'boolean', 'text', 'json'].filter((type) => type !== main)];
  const type = typeOf(value);
  const rank = [...order, 'null', 'missing'].indexOf(type) * 2;
  return type === 'number' && !Number.isFinite(value) ? rank + 1 : rank;
}

function compareCells(
  a: JsonValue | undefined,
  b: JsonValue | undefined,
  main: string,
  descending: boolean,
): number {
  const ranks = rankOf(a, main) - rankOf(b, main);
  if (ranks !== 0) return ranks;
  const order = compareOfOneType(a, b);
  return descending ? -order : order;
}

function compareOfOneType(a: JsonValue | undefined, b: JsonValue | undefined): number {
  if (areEqual(a, b)) return 0;
  // NaN is more than every number.
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) ? 1 : -1;
  const [left, right] = typeof a === 'object' ? [JSON.stringify(a), JSON.stringify(b)] : [a!, b!];
  return left < right! ? -1 : 1;
}

export function expectedRows(
  records: readonly PlainRecord[],
  columns: readonly PlainColumn[],
  where: readonly Condition[],
  sort: readonly PlainSort[],
): { readonly [column: string]: JsonValue | undefined }[] {
  return records
    .filter((record) => matches(record, where, columns))
    .sort((a, b) => {
      for (const { column, descending } of sort) {
        const order = compareCells(cellOf(a, column), cellOf(b, column), column.type, descending);
        if (order !== 0) return order;
      }
      return a.index - b.index;
    })
    .map((record) => ({
      index: record.index,
      ...Object.fromEntries(columns.map((column) => [column.name, cellOf(record, column)])),
    }));
}

export interface PlainGrouping {
  readonly where: readonly Condition[];
  readonly by: readonly PlainColumn[];
  readonly metrics: readonly PlainColumn[];
  readonly columns: readonly PlainColumn[];
  readonly sort:
    | {
        readonly by: 'n' | PlainColumn;
        readonly statistic: 'n' | 'min' | 'max';
        readonly descending: boolean;
      }
    | undefined;
}

export function expectedGroups(
  records: readonly PlainRecord[],
  { where, by, metrics, columns, sort }: PlainGrouping,
) {
  const groups = new Map<string, PlainRecord[]>();
  for (const record of records.filter((each) => matches(each, where, columns))) {
    const key = JSON.stringify(by.map((column) => textOf(cellOf(record, column))));
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  if (by.length === 0 && groups.size === 0) groups.set('', []);
  const made = [...groups.values()].map((all) => {
    const successful = all.filter(({ status }) => status === 'success');
    const group = {
      keys: by.map((column) => cellOf(all[0]!, column)),
      n: successful.length,
      left_out: all.length - successful.length,
      summaries: metrics.map((column) => summaryOf(successful, column)),
    };
    return { group, sortedBy: sort ? sortValue(group, successful, sort, by) : undefined };
  });
  return made
    .sort((a, b) => {
      const first = sort ? compareSorted(a.sortedBy, b.sortedBy, sort) : 0;
      if (first !== 0) return first;
      for (const [index, { type }] of by.entries()) {
        const order = compareCells(a.group.keys[index], b.group.keys[index], type, false);
        if (order !== 0) return order;
      }
      return 0;
    })
    .map(({ group }) => group);
}

function sortValue(
  group: { readonly keys: readonly (JsonValue | undefined)[]; readonly n: number },
  successful: readonly PlainRecord[],
  { by: sorted, statistic }: NonNullable<PlainGrouping['sort']>,
  by: readonly PlainColumn[],
): JsonValue | undefined {
  if (sorted === 'n') return group.n;
  if (by.includes(sorted)) return group.keys[by.indexOf(sorted)];
  return summaryOf(successful, sorted)[statistic] ?? undefined;
}

function compareSorted(
  a: JsonValue | undefined,
  b: JsonValue | undefined,
  { by, descending }: NonNullable<PlainGrouping['sort']>,
): number {
  return compareCells(a, b, by === 'n' ? 'number' : by.type, descending);
}

/** The standard error, and the ends of the interval: Student's of numbers, Wilson's of proportions. */
function spreadOf({ type }: PlainColumn, values: readonly number[], mean: number | null) {
  const n = values.length;
  const none = { sem: null, ci95: null, low: null, high: null };
  if (n === 0 || mean === null) return none;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const sem = n < 2 ? null : Math.sqrt(squares / (n - 1) / n);
  if (type === 'boolean') {
    const z = 1.959963984540054;
    const root = z * Math.sqrt(n * mean * (1 - mean) + z ** 2 / 4);
    const [low, high] = [-1, 1].map((sign) => (n * mean + z ** 2 / 2 + sign * root) / (n + z ** 2));
    return { sem, ci95: (high! - low!) / 2, low: Math.max(0, low!), high: Math.min(1, high!) };
  }
  if (sem === null) return none;
  const half = sem * studentT975(n - 1);
  return { sem, ci95: half, low: mean - half, high: mean + half };
}

function summaryOf(successful: readonly PlainRecord[], column: PlainColumn) {
  const cells = successful.map((record) => cellOf(record, column));
  const own = cells.filter((cell) => typeOf(cell) === column.type).map(Number);
  const finite = own.filter(Number.isFinite).sort((a, b) => a - b);
  const n = finite.length;
  const mean = n === 0 ? null : finite.reduce((sum, value) => sum + value / n, 0);
  const middle = finite.slice(Math.ceil(n / 2) - 1, Math.floor(n / 2) + 1);
  return {
    n,
    nonfinite: own.length - n,
    others: cells.filter((cell) => !['missing', 'null', column.type].includes(typeOf(cell))).length,
    mean,
    ...spreadOf(column, finite, mean),
    std: n < 2 ? null : Math.sqrt(finite.reduce((sum, value) => sum + (value - mean!) ** 2 / (n - 1), 0)),
    median: n === 0 ? null : middle.reduce((sum, value) => sum + value / middle.length, 0),
    min: finite[0] ?? null,
    max: finite.at(-1) ?? null,
  };
}
