import { UsageError } from '../../definition/errors.js';
import type { Condition, Operator } from '../../results/query/conditions.js';
import type { SortKey } from '../../results/query/selection.js';

/** @throws UsageError if the text is not `column`, an operator, and a value */
export function parseCondition(text: string): Condition {
  const match = /^\s*([^=!<>]+?)\s*(=|!=|<=|>=|<|>)\s*(.*)$/s.exec(text);
  const [, column, op, value] = match ?? [];
  if (column !== undefined && op !== undefined && value !== undefined)
    return { column, op: op as Operator, value };
  throw new UsageError({
    code: 'METALAB_CONDITION',
    what: `--where ${JSON.stringify(text)} is not a condition`,
    expected: "a column, one of = != < <= > >=, and a value: --where status=failed --where 'samples>=1000'",
  });
}

/** Names separated by commas. */
export const parseNames = (text: string): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);

/** `pi` ascending, `-pi` descending; several are separated by commas. */
export const parseSort = (text: string): SortKey[] =>
  parseNames(text).map((name) =>
    name.startsWith('-') ? { column: name.slice(1), descending: true } : { column: name },
  );
