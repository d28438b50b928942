import { UsageError } from '../definition/errors.js';
import { PLOT_KINDS, type PlotKind } from '../plot/plot-kinds.js';
import { COLUMN_KINDS, type ColumnKind } from '../results/export/column-kinds.js';
import type { Condition, Operator } from '../results/query/conditions.js';
import { parseSortKey, type SortKey } from '../results/query/selection.js';
import { STATISTICS, type Statistic } from '../results/query/statistics.js';

/**
 * A condition: `lr>=0.1`, `opt = adam`, `x=null`, `x missing`. A name with operators in it, or with spaces at its ends, is in
 * double quotes, as JSON.
 *
 * @throws UsageError
 */
export function parseCondition(text: string): Condition {
  const missing = /^\s*(?:("(?:[^"\\]|\\.)*")|(.+?))\s+(missing|present)\s*$/s.exec(text);
  if (missing && !/[=<>]/.test(missing[2] ?? ''))
    return { column: missing[1] ? unquote(missing[1]) : missing[2]!, op: missing[3] as 'missing' };
  const [, quoted, plain, op, value] =
    /^\s*(?:("(?:[^"\\]|\\.)*")|([^=!<>]+?))\s*(=|!=|<=|>=|<|>)\s*(.*)$/s.exec(text) ?? [];
  const column = quoted ? unquote(quoted) : plain;
  if (column !== undefined && op !== undefined && value !== undefined)
    return { column, op: op as Operator, text: value };
  throw new UsageError({
    code: 'METALAB_CONDITION',
    what: `--where ${JSON.stringify(text)} is not a condition`,
    expected:
      "a column, one of = != < <= > >=, and a value: --where status=failed --where 'samples>=1000'; or --where 'x missing'",
  });
}

function unquote(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}

/** Names separated by commas. A name with a comma in it is in double quotes, as JSON. */
export const parseNames = (text: string): string[] =>
  [...text.matchAll(/\s*(-?)("(?:[^"\\]|\\.)*"(?=\s*(?:,|$))|[^,]*)\s*(?:,|$)/g)]
    .map(
      ([, minus = '', name = '']) =>
        minus + (name.startsWith('"') && name.length > 1 ? unquote(name.trim()) : name.trim()),
    )
    .filter(Boolean);

/** `pi` ascending, `-pi` descending; several are separated by commas. */
export const parseSort = (text: string): SortKey[] => parseNames(text).map(parseSortKey);

/** @throws UsageError naming the statistics that there are */
export const parseStatistics = (text: string): Statistic[] =>
  parseNames(text).map((name) => oneOf(STATISTICS, name, '--stats', 'statistic'));

/** @throws UsageError naming the kinds that there are */
export const parseKinds = (text: string): ColumnKind[] =>
  parseNames(text).map((name) => oneOf(COLUMN_KINDS, name, '--with', 'kind of columns'));

/** @throws UsageError naming the kinds that there are */
export const parsePlotKind = (text: string): PlotKind => oneOf(PLOT_KINDS, text, '--kind', 'kind of chart');

function oneOf<Name extends string>(
  known: readonly Name[],
  text: string,
  option: string,
  what: string,
): Name {
  const found = known.find((name) => name === text);
  if (found) return found;
  throw new UsageError({
    code: 'METALAB_OPTION',
    where: option,
    what: `there is no ${what} '${text}'`,
    expected: known.join(', '),
  });
}

/** @throws UsageError unless it is two names */
export function parsePivot(text: string): string[] {
  const names = parseNames(text);
  if (names.length !== 2)
    throw pivotError(`--pivot ${text}`, 'two columns: --pivot ROW,COLUMN --value METRIC');
  return names;
}

export const pivotError = (what: string, expected: string) =>
  new UsageError({ code: 'METALAB_PIVOT', what: `${what} can't be`, expected });
