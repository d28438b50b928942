import type { JsonValue } from '../../definition/json.js';
import type { ValueType } from '../../storage/file/formats/runs-file.js';
import type { FileType } from '../export/typed-columns.js';
import { jsonText, valueTypeOf } from '../query/cell.js';
import type { Column, FieldName } from '../query/columns.js';
import type { Comparison } from '../query/conditions.js';
import type { Selection } from '../query/selection.js';
import { quoteName, quoteText } from './database.js';
import { FILE_ROW, type LoadedRuns } from './load-runs.js';
import { isLongField } from './record-table.js';
import { partKey } from './value-parts.js';

// Runs of older declarations may share an index.
export const CELL_ORDER = '"index", started_at, run_id';

/** Fields that are not columns by their own name. */
const FIELD_SQL: { readonly [Field in FieldName]?: string } = {
  code: 'code_fingerprint',
  context: 'context_fingerprint',
  seed_base: '(SELECT seed_base FROM submissions WHERE submissions.submission = runs.submission)',
};

/** Types in the order in which a column's values are sorted, after those of the column's own type. */
const TYPE_ORDER = ['number', 'boolean', 'text', 'json'] as const;

/** In characters. */
export const MAX_COMPARED = 1 << 20;

/**
 * Texts are sorted by so many of their first characters where some have many megabytes, then by their hash: so the order is
 * still total. To sort one of 100 MB as it is took 780 MB of memory.
 */
const sortKeysOfLongText = (sql: string) => [
  `left(${sql}, ${MAX_COMPARED})`,
  `CASE WHEN length(${sql}) > ${MAX_COMPARED} THEN sha256(${sql}) END`,
];

/** The column that holds a column's values of one type. */
export interface Part {
  readonly type: ValueType;
  readonly sql: string;
}

interface OrderOptions {
  readonly descending?: boolean;
  /** Whether long texts are their beginning and their hash already. */
  readonly areCut?: boolean;
}

/** One query: what it needs of the runs' values is known when it is complete. */
export class Query {
  readonly #runs: LoadedRuns;
  readonly #needed = new Map<string, string>();

  constructor(runs: LoadedRuns) {
    this.#runs = runs;
  }

  /** Whether runs may have another status than success. */
  get hasOthers(): boolean {
    const { coverage, inCellOrder } = this.#runs;
    return !(coverage && inCellOrder && coverage.statuses.every(({ status }) => status === 'success'));
  }

  /** The columns that hold a column's texts, lists and objects, where some may have many megabytes: derived metrics are short. */
  longTexts(column: Column): Part[] {
    const { source } = column;
    if (!this.#runs.hasLongLines || source.of === 'derived') return [];
    if (source.of === 'field' && !isLongField(source.name)) return [];
    return this.parts(column).filter(({ type }) => type === 'text' || type === 'json');
  }

  /** What FROM names: to be asked for last. */
  from(): string {
    return `${this.#runs.rows(this.#needed)} AS runs`;
  }

  /** The columns that hold a column's values, its own type's first; null's last. */
  parts({ source, type: main }: Column): Part[] {
    if (source.of === 'field')
      return [
        {
          type: main === 'number' ? 'number' : 'text',
          sql: FIELD_SQL[source.name] ?? `runs.${quoteName(source.name)}`,
        },
      ];
    const own = main === 'list' ? 'json' : main;
    const types = [own, ...TYPE_ORDER.filter((type) => type !== own), 'null'] as const;
    return types.flatMap((type) => {
      const key = partKey({ source: source.of, key: source.key, type });
      return this.#runs.parts.has(key) ? [{ type, sql: this.#need(key) }] : [];
    });
  }

  typesOf(column: Column): ValueType[] {
    return this.parts(column).map(({ type }) => type);
  }

  part(column: Column, type: ValueType): string | undefined {
    return this.parts(column).find((part) => part.type === type)?.sql;
  }

  #need(key: string): string {
    const known = this.#needed.get(key);
    if (known) return known;
    const name = `p${this.#needed.size}`;
    this.#needed.set(key, name);
    return name;
  }

  /** A WHERE clause; nothing if there is no condition. What is null holds for no run. */
  where(comparisons: readonly Comparison[]): string {
    return comparisons.length === 0
      ? ''
      : `WHERE ${comparisons.map((each) => this.#comparison(each)).join(' AND ')}`;
  }

  #comparison(comparison: Comparison): string {
    const { column } = comparison;
    switch (comparison.op) {
      case 'contains':
      case 'lacks': {
        const [list] = this.parts(column);
        const contains = `coalesce(list_contains(CAST(CAST(${list!.sql} AS JSON) AS VARCHAR[]), ${quoteText(comparison.value)}), false)`;
        return comparison.op === 'contains' ? contains : `NOT ${contains}`;
      }
      case 'missing':
        return `(${this.#isMissing(column)})`;
      case 'present':
        return `NOT (${this.#isMissing(column)})`;
      case 'in':
        return `(${comparison.values.map((value) => this.#equals(column, value)).join(' OR ') || 'false'})`;
      case '=':
        return this.#equals(column, comparison.value);
      case '!=':
        // A run that lacks the value differs from it, too.
        return `NOT ${this.#equals(column, comparison.value)}`;
      default: {
        const { value, op } = comparison;
        const sql = this.part(column, valueTypeOf(value));
        if (sql === undefined) return 'false';
        // DuckDB's NaN is more than every number.
        const isNumber = typeof value === 'number' && column.nonfinite > 0 ? ` AND NOT isnan(${sql})` : '';
        return `(${sql} ${op} ${literal(value)}${isNumber})`;
      }
    }
  }

  #equals(column: Column, value: JsonValue): string {
    const type = column.source.of === 'field' && typeof value !== 'number' ? 'text' : valueTypeOf(value);
    const sql = this.part(column, type);
    if (sql === undefined) return 'false';
    return type === 'null' ? `(${sql} IS true)` : `coalesce(${sql} = ${literal(value)}, false)`;
  }

  #isMissing(column: Column): string {
    const parts = this.parts(column);
    return parts.length === 0 ? 'true' : parts.map(({ sql }) => `${sql} IS NULL`).join(' AND ');
  }

  /** Finite numbers (or what the column's type is) first, in both directions; then other types, null, and missing values. */
  order(column: Column, { descending = false, areCut = false }: OrderOptions = {}): string[] {
    const parts = this.parts(column);
    const hasLong = this.#runs.hasLongLines && !areCut;
    const direction = descending ? 'DESC' : 'ASC';
    const values = parts.flatMap(({ type, sql }) => {
      const keys = hasLong && (type === 'text' || type === 'json') ? sortKeysOfLongText(sql) : [sql];
      return keys.map((key) => ({
        type,
        sql: `${key} ${type === 'null' ? 'ASC' : direction} NULLS LAST`,
      }));
    });
    if (parts.length <= 1 && column.nonfinite === 0) return values.map(({ sql }) => sql);
    const isRegular = ({ type, sql }: Part) =>
      type === 'number' && column.nonfinite > 0
        ? `${sql} IS NOT NULL AND isfinite(${sql})`
        : `${sql} IS NOT NULL`;
    const ranks = parts.flatMap((part, rank) => [
      `WHEN ${isRegular(part)} THEN ${rank * 2}`,
      `WHEN ${part.sql} IS NOT NULL THEN ${rank * 2 + 1}`,
    ]);
    return [`CASE ${ranks.join(' ')} ELSE ${parts.length * 2} END`, ...values.map(({ sql }) => sql)];
  }
}

/** A value as SQL. */
export function literal(value: JsonValue): string {
  if (typeof value === 'string') return quoteText(value);
  if (typeof value === 'number') return `CAST('${value}' AS DOUBLE)`;
  return typeof value === 'boolean' ? String(value) : quoteText(jsonText(value));
}

/**
 * @param list what to select, as SQL
 * @param inCellOrder whether the runs are in the cells' order already: sorting a million takes 5 s and 300 MB
 */
export function selectionSql(
  query: Query,
  selection: Selection,
  list: readonly string[],
  inCellOrder: boolean,
): string {
  const { where, sort, limit, offset, each } = selection;
  const order = sort.flatMap(({ column, descending }) => query.order(column, { descending }));
  // Where rows are in order, their numbers cost nothing; to read the indexes of a million runs takes 30 ms.
  const cells = inCellOrder ? FILE_ROW : CELL_ORDER;
  const keys = each?.by.flatMap((column) => query.parts(column).map(({ sql }) => sql)) ?? [];
  const partition = keys.length > 0 ? `PARTITION BY ${keys.join(', ')}` : '';
  const clauses = [
    query.where(where),
    each
      ? `QUALIFY row_number() OVER (${partition} ORDER BY ${[...order, cells].join(', ')}) <= ${each.limit}`
      : '',
    inCellOrder && sort.length === 0 ? '' : `ORDER BY ${[...order, cells].join(', ')}`,
    limit === undefined ? '' : `LIMIT ${limit}`,
    offset === undefined ? '' : `OFFSET ${offset}`,
  ];
  return `SELECT ${list.join(', ')} FROM ${query.from()} ${clauses.join(' ')}`;
}

/** A column's values as a file of typed columns has them. */
export function castSql(sql: string, type: FileType): string {
  if (type === 'int') return `CAST(${sql} AS BIGINT)`;
  if (type === 'time') return `CAST(${sql} AS TIMESTAMPTZ)`;
  return type === 'texts' ? `CAST(CAST(${sql} AS JSON) AS VARCHAR[])` : sql;
}
