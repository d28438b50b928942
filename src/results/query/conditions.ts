import { UsageError } from '../../definition/errors.js';
import { RUN_STATUSES } from '../../definition/record.js';
import type { Column, Columns } from './columns.js';

export const OPERATORS = ['=', '!=', '<', '<=', '>', '>='] as const;
export type Operator = (typeof OPERATORS)[number];

/** A condition on the runs. The value is text: what it means is the column's to say. */
export interface Condition {
  readonly column: string;
  readonly op: Operator;
  readonly value: string;
}

/** A condition whose column is known, and whose value is of the column's type. */
export type Comparison =
  | { readonly column: Column; readonly op: Operator; readonly value: string | number | boolean }
  /** Whether a list contains the value. */
  | { readonly column: Column; readonly op: 'contains' | 'lacks'; readonly value: string };

/** @throws UsageError if a column is unknown, or a value can't be one of its column */
export function resolveConditions(conditions: readonly Condition[], columns: Columns): Comparison[] {
  const resolved = columns.resolve(conditions.map(({ column }) => column));
  return conditions.map((condition, index) => resolveCondition(condition, resolved[index]!));
}

function resolveCondition({ op, value }: Condition, column: Column): Comparison {
  if (column.type !== 'list') return { column, op, value: parseValue(column, op, value) };
  if (op !== '=' && op !== '!=')
    throw mistake(column, op, value, `= or !=: whether the list holds '${value}'`);
  return { column, op: op === '=' ? 'contains' : 'lacks', value };
}

function parseValue(column: Column, op: Operator, value: string): string | number | boolean {
  if (column.type === 'number') {
    const number = value.trim() === '' ? Number.NaN : Number(value.replaceAll('_', ''));
    if (!Number.isFinite(number)) throw mistake(column, op, value, 'a number');
    return number;
  }
  if (column.type === 'boolean') {
    if (value !== 'true' && value !== 'false') throw mistake(column, op, value, 'true or false');
    return value === 'true';
  }
  const statuses: readonly string[] = RUN_STATUSES;
  if (column.name === 'status' && !statuses.includes(value))
    throw mistake(column, op, value, statuses.join(', '));
  return value;
}

const mistake = (column: Column, op: Operator, value: string, expected: string) =>
  new UsageError({
    code: 'METALAB_CONDITION',
    what: `'${column.name}${op}${value}' can't be: ${column.name} is ${column.type === 'list' ? 'a list' : `a ${column.type}`}`,
    expected,
  });
