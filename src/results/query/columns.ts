import { UsageError } from '../../definition/errors.js';
import { nearest } from '../../definition/nearest.js';
import type { Occurrence } from '../../storage/file/runs-file.js';

export type ColumnType = 'number' | 'boolean' | 'text' | 'list' | 'json';

/** What a column's values are. An engine compiles it to its own language. */
export type ColumnSource =
  | { readonly of: 'field'; readonly name: FieldName }
  | { readonly of: 'params' | 'metrics'; readonly key: string };

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
  readonly source: ColumnSource;
}

/** The fields of a run that are columns, with their types. */
const FIELD_TYPES = {
  run_id: 'text',
  status: 'text',
  replicate: 'number',
  index: 'number',
  generation: 'number',
  attempt: 'number',
  duration_ms: 'number',
  started_at: 'text',
  finished_at: 'text',
  error: 'text',
  error_type: 'text',
  tags: 'list',
  warnings: 'list',
  notes: 'list',
  code: 'text',
  context: 'text',
} as const satisfies { readonly [field: string]: ColumnType };
export type FieldName = keyof typeof FIELD_TYPES;

const FIELDS: readonly Column[] = (Object.keys(FIELD_TYPES) as FieldName[]).map((name) => ({
  name,
  kind: 'field',
  type: FIELD_TYPES[name],
  varies: true,
  source: { of: 'field', name },
}));

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
    const present = occurrences.reduce((sum, { n }) => sum + n, 0);
    const values = occurrences.flatMap(({ type, least, most }) => [`${type} ${least}`, `${type} ${most}`]);
    return {
      name: `${source}.${key}`,
      kind: source === 'params' ? 'param' : 'metric',
      varies: present < total || new Set(values).size > 1,
      source: { of: source, key },
      ...typeOf(new Set(valued.map(({ type }) => type))),
    };
  });
}

/** A column's type: number and boolean only if all values are; otherwise text. */
function typeOf(types: ReadonlySet<string>): Pick<Column, 'type' | 'whole'> {
  const all = (...expected: string[]) =>
    types.size > 0 && [...types].every((type) => expected.includes(type));
  if (all('BIGINT', 'UBIGINT')) return { type: 'number', whole: true };
  if (all('BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE')) return { type: 'number' };
  if (all('BOOLEAN')) return { type: 'boolean' };
  if (all('ARRAY', 'OBJECT')) return { type: 'json' };
  return { type: 'text' };
}
