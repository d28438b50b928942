import { UsageError } from '../definition/errors.js';
import { RUN_STATUSES } from '../definition/record.js';
import type { Column, Columns } from './columns.js';
import { quoteText } from './database.js';

export const OPERATORS = ['=', '!=', '<', '<=', '>', '>='] as const;
export type Operator = (typeof OPERATORS)[number];

/** A condition on the runs. The value is text: what it means is the column's to say. */
export interface Condition {
  readonly column: string;
  readonly op: Operator;
  readonly value: string;
}

/** @throws UsageError where a column is unknown, or a value can't be one of its column */
export function whereSql(conditions: readonly Condition[], columns: Columns): string {
  const resolved = columns.resolve(conditions.map(({ column }) => column));
  const parts = conditions.map((condition, index) => conditionSql(condition, resolved[index]!));
  return parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`;
}

function conditionSql({ op, value }: Condition, column: Column): string {
  if (column.type === 'list') {
    if (op !== '=' && op !== '!=')
      throw mistake(column, op, value, `= or !=: whether the list holds '${value}'`);
    const holds = `coalesce(list_contains(CAST(${column.sql} AS VARCHAR[]), ${quoteText(value)}), false)`;
    return op === '=' ? holds : `NOT ${holds}`;
  }
  const literal = literalSql(column, op, value);
  if (op === '=') return `${column.sql} = ${literal}`;
  // A run that lacks the value differs from it too.
  return op === '!=' ? `${column.sql} IS DISTINCT FROM ${literal}` : `${column.sql} ${op} ${literal}`;
}

function literalSql(column: Column, op: Operator, value: string): string {
  if (column.type === 'number') {
    const number = value.trim() === '' ? Number.NaN : Number(value.replaceAll('_', ''));
    if (!Number.isFinite(number)) throw mistake(column, op, value, 'a number');
    return `CAST('${number}' AS DOUBLE)`;
  }
  if (column.type === 'boolean') {
    if (value !== 'true' && value !== 'false') throw mistake(column, op, value, 'true or false');
    return value;
  }
  const statuses: readonly string[] = RUN_STATUSES;
  if (column.name === 'status' && !statuses.includes(value))
    throw mistake(column, op, value, statuses.join(', '));
  return quoteText(value);
}

const mistake = (column: Column, op: Operator, value: string, expected: string) =>
  new UsageError({
    code: 'METALAB_CONDITION',
    what: `'${column.name}${op}${value}' can't be: ${column.name} is ${column.type === 'list' ? 'a list' : `a ${column.type}`}`,
    expected,
  });
