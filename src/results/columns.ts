import { UsageError } from '../definition/errors.js';
import type { Database } from './database.js';
import { quoteText } from './database.js';
import { nearest } from './nearest.js';

export type ColumnType = 'number' | 'boolean' | 'text' | 'list' | 'json';

/** What can be shown, filtered and sorted by. */
export interface Column {
  /** `samples`, `status`, or `params.status` where the short name means something else. */
  readonly name: string;
  readonly kind: 'param' | 'metric' | 'field';
  readonly type: ColumnType;
  /** Whether its values differ between the runs. */
  readonly varies: boolean;
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

interface Occurrence {
  readonly key: string;
  readonly type: string;
  readonly n: number;
  readonly least: string | null;
  readonly most: string | null;
}

/** Finds the params and metrics that occur in the table `runs`, and their types. 1,000,000 runs: some 3 s on a busy machine. */
export async function findColumns(database: Database): Promise<Columns> {
  const [total] = await database.all('SELECT count(*) AS n FROM runs');
  const [params, metrics] = [await occurrences(database, 'params'), await occurrences(database, 'metrics')];
  return new Columns(
    toColumns('params', params, Number(total?.n ?? 0)),
    toColumns('metrics', metrics, Number(total?.n ?? 0)),
  );
}

// Tried over 1,000,000 records: json_group_structure takes 1.7 to 3.3 s, this 1.2 s.
async function occurrences(database: Database, source: 'params' | 'metrics'): Promise<Occurrence[]> {
  const pointer = `'/' || replace(replace(key, '~', '~0'), '/', '~1')`;
  const rows = await database.all(`
    SELECT key, json_type(${source}, ${pointer}) AS type, count(*) AS n, min(value) AS least, max(value) AS most
    FROM (
      SELECT key, ${source}, json_extract_string(${source}, ${pointer}) AS value
      FROM (SELECT ${source}, unnest(json_keys(${source})) AS key FROM runs WHERE json_type(${source}) = 'OBJECT')
    )
    GROUP BY ALL ORDER BY key`);
  return rows.map(({ key, type, n, least, most }) => ({
    key: String(key),
    type: String(type),
    n: Number(n),
    least: least === null ? null : String(least ?? ''),
    most: most === null ? null : String(most ?? ''),
  }));
}

function toColumns(source: 'params' | 'metrics', found: readonly Occurrence[], total: number): Column[] {
  return [...new Set(found.map(({ key }) => key))].map((key) => {
    const types = found.filter((occurrence) => occurrence.key === key);
    const valued = types.filter(({ type }) => type !== 'NULL');
    const sql = `json_extract_string(${source}, ${quoteText(`/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`)})`;
    const present = types.reduce((sum, { n }) => sum + n, 0);
    return {
      name: `${source}.${key}`,
      kind: source === 'params' ? 'param' : 'metric',
      varies: types.length > 1 || present < total || types[0]?.least !== types[0]?.most,
      ...typed(new Set(valued.map(({ type }) => type)), sql),
    };
  });
}

/** A column's type and the SQL of its values: numbers and booleans only where all values are; text stays text. */
function typed(types: ReadonlySet<string>, sql: string): Pick<Column, 'type' | 'sql'> {
  const all = (...expected: string[]) =>
    types.size > 0 && [...types].every((type) => expected.includes(type));
  if (all('BIGINT', 'UBIGINT')) return { type: 'number', sql: `CAST(${sql} AS HUGEINT)` };
  if (all('BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE'))
    return { type: 'number', sql: `CAST(${sql} AS DOUBLE)` };
  if (all('BOOLEAN')) return { type: 'boolean', sql: `CAST(${sql} AS BOOLEAN)` };
  if (all('ARRAY', 'OBJECT')) return { type: 'json', sql };
  return { type: 'text', sql };
}
