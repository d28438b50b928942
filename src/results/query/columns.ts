import { type Problem, partsOf, UsageError } from '../../definition/errors.js';
import { oneOfNearest } from '../../definition/nearest.js';
import type { Occurrence, ValueSource } from '../../storage/file/formats/runs-file.js';

export type ColumnType = 'number' | 'boolean' | 'text' | 'list' | 'json';

/** Where a column's values come from. */
export type ColumnSource =
  | { readonly of: 'field'; readonly name: FieldName }
  | { readonly of: ValueSource; readonly key: string };

/** What can be shown, filtered, sorted and grouped by. */
export interface Column {
  /** `samples`, `status`, or `params.status` where the short name means something else. */
  readonly name: string;
  readonly kind: 'param' | 'metric' | 'derived' | 'field';
  /** The type of most of its values. */
  readonly type: ColumnType;
  /** Whether its values differ between the runs. */
  readonly varies: boolean;
  /** Whether all its numbers are whole. */
  readonly whole?: boolean;
  /** How many runs have a value of another type, or NaN or an infinity. */
  readonly others: number;
  readonly nonfinite: number;
  readonly source: ColumnSource;
}

/** Its name with where its values come from: `params.status`. */
export const fullNameOf = ({ name, source }: Column): string =>
  source.of === 'field' ? name : `${source.of}.${source.key}`;

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
  seed_base: 'number',
  submission: 'text',
} as const satisfies { readonly [field: string]: ColumnType };
export type FieldName = keyof typeof FIELD_TYPES;

/** What tells runs of different declarations apart. */
export const ORIGIN_FIELDS = ['seed_base', 'code', 'context', 'submission'] as const;

const FIELDS: readonly Column[] = (Object.keys(FIELD_TYPES) as FieldName[]).map((name) => ({
  name,
  kind: 'field',
  type: FIELD_TYPES[name],
  varies: true,
  others: 0,
  nonfinite: 0,
  source: { of: 'field', name },
}));

const KINDS = { params: 'param', metrics: 'metric', derived: 'derived' } as const;

/** The columns of an experiment's runs: their own fields, and every param, metric and derived metric that occurs. */
export class Columns {
  readonly all: readonly Column[];
  /** By full name, and by short name where that means one column. */
  readonly #byName = new Map<string, Column>();
  /** The full names of what a short name may mean, where that is several. */
  readonly #meanings = new Map<string, string[]>();

  /** @param total how many runs there are */
  constructor(occurrences: readonly Occurrence[], total: number) {
    const taken = new Set<string>(FIELDS.map(({ name }) => name));
    const full = (['params', 'metrics', 'derived'] as const).flatMap((source) =>
      occurrences
        .filter((occurrence) => occurrence.source === source)
        .sort((a, b) => (a.key < b.key ? -1 : 1))
        .map((occurrence) => ({ key: occurrence.key, column: columnOf(occurrence, total) })),
    );
    // A derived metric is always `derived.x`: which numbers were measured stays plain.
    for (const { key, column } of full)
      if (column.kind !== 'derived')
        this.#meanings.set(key, [...(this.#meanings.get(key) ?? []), column.name]);
    const fullNames = new Set(full.map(({ column }) => column.name));
    const isShort = (key: string, column: Column) =>
      column.kind !== 'derived' &&
      this.#meanings.get(key)?.length === 1 &&
      !taken.has(key) &&
      !fullNames.has(key) &&
      key !== '';
    const named = full.map(({ key, column }) => (isShort(key, column) ? { ...column, name: key } : column));
    for (const column of FIELDS) this.#byName.set(column.name, column);
    for (const [index, { column }] of full.entries()) {
      this.#byName.set(column.name, named[index]!);
      this.#byName.set(named[index]!.name, named[index]!);
    }
    this.all = [...FIELDS, ...named];
  }

  ofKind(kind: Column['kind']): Column[] {
    return this.all.filter((column) => column.kind === kind);
  }

  find(name: string): Column | undefined {
    return this.#byName.get(name);
  }

  /** @throws UsageError naming the nearest columns of every name that is none */
  resolve(names: readonly string[]): Column[] {
    const unknown = [...new Set(names)].filter((name) => !this.#byName.has(name));
    if (unknown.length === 0) return names.map((name) => this.#byName.get(name)!);
    const problems = unknown.map((name) => this.#problemOf(name));
    throw new UsageError(partsOf(problems, 'METALAB_UNKNOWN_COLUMN'));
  }

  #problemOf(name: string): Problem {
    const meanings = this.#meanings.get(name) ?? [];
    if (meanings.length > 1)
      return { what: `'${name}' is a param as well as a metric`, expected: meanings.join(' or ') };
    const names = this.all.map((column) => column.name);
    return { what: `there is no column '${name}'`, expected: oneOfNearest(name, names) };
  }
}

const MAIN_TYPES = ['number', 'boolean', 'text', 'json'] as const;

/** A column's own type: that of most of its values; of equally frequent ones, the first of these. */
export function mainTypeOf(counts: Occurrence['counts']): (typeof MAIN_TYPES)[number] {
  const most = Math.max(...MAIN_TYPES.map((type) => counts[type] ?? 0));
  return most === 0 ? 'text' : MAIN_TYPES.find((type) => counts[type] === most)!;
}

function columnOf({ source, key, counts, whole, varies }: Occurrence, total: number): Column {
  const { number = 0, nonfinite = 0, text = 0, boolean = 0, json = 0, null: nulls = 0 } = counts;
  const present = number + text + boolean + json;
  const type = mainTypeOf(counts);
  return {
    name: `${source}.${key}`,
    kind: KINDS[source],
    type,
    varies: varies || present + nulls < total,
    ...(type === 'number' && whole ? { whole } : {}),
    others: present - (counts[type] ?? 0),
    nonfinite,
    source: { of: source, key },
  };
}
