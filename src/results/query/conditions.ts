import { UsageError } from '../../definition/errors.js';
import type { JsonValue } from '../../definition/json.js';
import { RUN_STATUSES } from '../../definition/record.js';
import type { Column, Columns } from './columns.js';

export const OPERATORS = ['=', '!=', '<', '<=', '>', '>='] as const;
export type Operator = (typeof OPERATORS)[number];

/**
 * A condition on the runs. `text` is what somebody typed: the column's type says what it means. `value` is of its own type.
 * `missing` holds for runs that have no value, not even null.
 */
export type Condition =
  | { readonly column: string; readonly op: Operator; readonly text: string }
  | { readonly column: string; readonly op: Operator; readonly value: JsonValue }
  | { readonly column: string; readonly op: 'in'; readonly values: readonly JsonValue[] }
  | { readonly column: string; readonly op: 'missing' }
  | { readonly column: string; readonly op: 'present' };

/** A condition whose column is known. Values are compared only with values of their own type. */
export type Comparison =
  | { readonly column: Column; readonly op: Operator; readonly value: JsonValue }
  | { readonly column: Column; readonly op: 'in'; readonly values: readonly JsonValue[] }
  | { readonly column: Column; readonly op: 'missing' | 'present' }
  /** Whether a list contains the text. */
  | { readonly column: Column; readonly op: 'contains' | 'lacks'; readonly value: string };

/** @throws UsageError if a column is unknown, or a value can't be one of its column */
export function resolveConditions(conditions: readonly Condition[], columns: Columns): Comparison[] {
  const resolved = columns.resolve(conditions.map(({ column }) => column));
  return conditions.map((condition, index) => resolveCondition(condition, resolved[index]!));
}

function resolveCondition(condition: Condition, column: Column): Comparison {
  if (condition.op === 'missing' || condition.op === 'present') return { column, op: condition.op };
  if (condition.op === 'in') return { column, op: 'in', values: condition.values };
  const { op } = condition;
  if (column.type === 'list') {
    const item = 'text' in condition ? condition.text : String(condition.value);
    if (op !== '=' && op !== '!=')
      throw mistake(column, op, item, `= or !=: whether the list holds '${item}'`);
    return { column, op: op === '=' ? 'contains' : 'lacks', value: item };
  }
  if ('value' in condition) return { column, op, value: checkOrder(column, op, condition.value) };
  return { column, op, value: checkOrder(column, op, parseText(column, op, condition.text)) };
}

/** Null, lists and objects have no order. */
function checkOrder(column: Column, op: Operator, value: JsonValue): JsonValue {
  if (op === '=' || op === '!=' || (typeof value !== 'object' && !Number.isNaN(value))) return value;
  throw mistake(column, op, String(JSON.stringify(value)), '= or !=');
}

const NUMBERS: { readonly [text: string]: number } = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

/** A value in quotes is text, `null` is null; all else is of the column's own type where it can be. */
function parseText(column: Column, op: Operator, text: string): JsonValue {
  const json = parseJson(text.trim());
  if (typeof json === 'string') return json;
  if (json === null && column.kind !== 'field') return null;
  if (typeof json === 'object' && json !== undefined && column.kind !== 'field') return json;
  if (column.type === 'number') {
    const number =
      NUMBERS[text.trim()] ?? (text.trim() === '' ? Number.NaN : Number(text.replaceAll('_', '')));
    if (!Number.isNaN(number) || text.trim() === 'NaN') return number;
    // Some of its values are text.
    if (column.others > 0) return text;
    throw mistake(column, op, text, 'a number');
  }
  if (column.type === 'boolean') {
    if (typeof json === 'boolean') return json;
    if (column.others > 0) return typeof json === 'number' ? json : text;
    throw mistake(column, op, text, 'true or false');
  }
  if (column.type === 'json' && json !== undefined) return json;
  // As tables show it: text that stands beside other values is in quotes.
  if (column.others > 0 && json !== undefined) return json;
  if (column.others > 0 && text.trim() in NUMBERS) return NUMBERS[text.trim()]!;
  const statuses: readonly string[] = RUN_STATUSES;
  if (column.name === 'status' && !statuses.includes(text))
    throw mistake(column, op, text, statuses.join(', '));
  return text;
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

const mistake = (column: Column, op: Operator, value: string, expected: string) =>
  new UsageError({
    code: 'METALAB_CONDITION',
    what: `'${column.name}${op}${value}' can't be: ${column.name} is ${column.type === 'list' ? 'a list' : `a ${column.type}`}`,
    expected,
  });
