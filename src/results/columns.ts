import { UsageError } from '../definition/errors.js';
import { nearest } from '../definition/nearest.js';
import type { Occurrence } from '../storage/file/runs-file.js';
import type { Database } from './database.js';
import { quoteText } from './database.js';
import { findOccurrences } from './occurrences.js';

export type ColumnType = 'number' | 'boolean' | 'text' | 'list' | 'json';

/** What can be shown, filtered and sorted by. */
export interface Column {
  /** `samples`, `status`, or `params.status` where the short name means something else. */
  readonly name: string;
  readonly kind: 'param' | 'metric' | 'field';
  readonly type: ColumnType;
  /** Whether its values differ between the runs. */
  readonly varies: boolean;
  /** Whether all values are whole numbers. */
  readonly whole?: boolean;
  readonly sql: string;
}

const field = (name: string, type: ColumnType, sql = `"${name}"`): Column => ({
  name,
  kind: 'field',
  type,
  varies: true,
  sql,
});

const FIELDS: readonly Column[] = [
  field('run_id', 'text'),
  field('status', 'text'),
  field('replicate', 'number'),
  field('index', 'number'),
  field('generation', 'number'),
  field('attempt', 'number'),
  field('duration_ms', 'number'),
  field('started_at', 'text'),
  field('finished_at', 'text'),
  field('error', 'text', `json_extract_string(error, '/message')`),
  field('error_type', 'text', `json_extract_string(error, '/type')`),
  field('tags', 'list'),
  field('warnings', 'list'),
  field('notes', 'list'),
  field('code', 'text', 'code_fingerprint'),
  field('context', 'text', 'context_fingerprint'),
];

/** The columns of an experiment's runs: their own fields, and every param and metric that occurs. */
export class Columns {
  readonly all: readonly Column[];
  readonly #byName: ReadonlyMap<string, Column>;
  /** Short names that mean a param as well as a metric. */
  readonly #ambiguous: ReadonlySet<string>;

  constructor(params: readonly Column[], metrics: readonly Column[]) {
    const short = (column: Column) => column.name.slice(column.name.indexOf('.') + 1);
    const fields = new Set(FIELDS.map(({ name }) => name));
    const both = new Set(
      params.map(short).filter((name) => metrics.some((metric) => short(metric) === name)),
    );
    const named = [...params, ...metrics].map((column) => {
      const name = short(column);
      return both.has(name) || fields.has(name) ? column : { ...column, name };
    });
    this.all = [...FIELDS, ...named];
    this.#ambiguous = both;
    this.#byName = new Map([
      ...[...params, ...metrics].map((column, index) => [column.name, named[index] ?? column] as const),
      ...this.all.map((column) => [column.name, column] as const),
    ]);
  }

  ofKind(kind: Column['kind']): Column[] {
    return this.all.filter((column) => column.kind === kind);
  }

  /** @throws UsageError naming the nearest columns of every name that is none */
  resolve(names: readonly string[]): Column[] {
    const unknown = names.filter((name) => !this.#byName.has(name));
    const [first] = unknown;
    if (first === undefined) return names.map((name) => this.#byName.get(name)!);
    throw new UsageError({
      code: 'METALAB_UNKNOWN_COLUMN',
      what: this.#ambiguous.has(first)
        ? `'${first}' is a param as well as a metric`
        : `there is no column ${unknown.map((name) => `'${name}'`).join(', ')}`,
      expected: this.#ambiguous.has(first)
        ? `params.${first} or metrics.${first}`
        : `one of: ${nearest(
            first,
            this.all.map(({ name }) => name),
          ).join(', ')}`,
    });
  }
}

/** The columns of the view `runs`. 1,000,000 runs: some 3 s on a busy machine, but where what occurs is told. */
export async function findColumns(
  database: Database,
  known: { readonly runs: number; readonly occurrences: readonly Occurrence[] } | undefined,
): Promise<Columns> {
  const found = known?.occurrences ?? (await findOccurrences(database));
  const total = known?.runs ?? Number((await database.all('SELECT count(*) AS n FROM runs'))[0]?.n ?? 0);
  return new Columns(columnsOf('params', found, total), columnsOf('metrics', found, total));
}

/**
 * The params or metrics that occur, as columns named `params.x` or `metrics.x`.
 *
 * @param total how many runs there are
 */
export function columnsOf(
  source: Occurrence['source'],
  occurring: readonly Occurrence[],
  total: number,
): Column[] {
  const found = occurring.filter((occurrence) => occurrence.source === source);
  const byKey = new Map<string, Occurrence[]>();
  for (const occurrence of found) {
    const known = byKey.get(occurrence.key);
    if (known) known.push(occurrence);
    else byKey.set(occurrence.key, [occurrence]);
  }
  return [...byKey.keys()].sort().map((key) => {
    const occurrences = byKey.get(key) ?? [];
    const valued = occurrences.filter(({ type }) => type !== 'NULL');
    const sql = `json_extract_string(${source}, ${quoteText(`/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`)})`;
    const present = occurrences.reduce((sum, { n }) => sum + n, 0);
    const values = occurrences.flatMap(({ type, least, most }) => [`${type} ${least}`, `${type} ${most}`]);
    return {
      name: `${source}.${key}`,
      kind: source === 'params' ? 'param' : 'metric',
      varies: present < total || new Set(values).size > 1,
      ...typed(new Set(valued.map(({ type }) => type)), sql),
    };
  });
}

/** A column's type and the SQL of its values: numbers and booleans only where all values are; text stays text. */
function typed(types: ReadonlySet<string>, sql: string): Pick<Column, 'type' | 'sql' | 'whole'> {
  const all = (...expected: string[]) =>
    types.size > 0 && [...types].every((type) => expected.includes(type));
  if (all('BIGINT', 'UBIGINT')) return { type: 'number', whole: true, sql: `CAST(${sql} AS HUGEINT)` };
  if (all('BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE'))
    return { type: 'number', sql: `CAST(${sql} AS DOUBLE)` };
  if (all('BOOLEAN')) return { type: 'boolean', sql: `CAST(${sql} AS BOOLEAN)` };
  if (all('ARRAY', 'OBJECT')) return { type: 'json', sql };
  return { type: 'text', sql };
}
