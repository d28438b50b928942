// Checks the arguments of queries before anything is read: JavaScript has no types, and some become a part of SQL.
import { type Problem, partsOf, UsageError } from '../../definition/errors.js';
import { DIRECTIONS } from '../../definition/objective.js';
import { formatValue, optionProblems, unknownName } from '../../definition/refuse.js';
import { type Condition, OPERATORS } from './conditions.js';
import type { Bins } from './histogram.js';
import { STATISTICS } from './statistics.js';

const CONDITION_OPERATORS = [...OPERATORS, 'in', 'missing', 'present'];

/** By method. Each throws a UsageError METALAB_ARGUMENT with all of the problems of one call, if there are any. */
export const check = {
  matching: (conditions: readonly Condition[]) =>
    refuseArguments(
      Array.isArray(conditions)
        ? conditions.flatMap((each, index) => conditionProblems(`matching[${index}]`, each))
        : wrong('matching', conditions, 'a list of conditions'),
    ),
  where: (condition: Condition) => refuseArguments(conditionProblems('where', condition)),
  filter: (values: unknown) => refuseArguments(filterProblems(values)),
  sort: (keys: readonly unknown[]) => refuseArguments(sortProblems(keys)),
  names: (method: string, names: unknown) => refuseArguments(namesProblems(method, names)),
  count: (method: string, count: unknown) => refuseArguments(countProblems(method, count)),
  tags: (tags: readonly unknown[]) =>
    refuseArguments(
      tags.flatMap((tag, index) => (typeof tag === 'string' ? [] : wrong(`tags[${index}]`, tag, 'a tag'))),
    ),
  groupBy: (columns: readonly unknown[]) =>
    refuseArguments(namesProblems('groupBy', columns), repeatedProblems('groupBy', columns)),
  stats: (metrics: unknown, statistics: unknown) =>
    refuseArguments(
      metrics === undefined || typeof metrics === 'string' ? [] : namesProblems('stats.metrics', metrics),
      statistics === undefined ? [] : statisticsProblems('stats.statistics', statistics),
    ),
  pivot: (row: unknown, column: unknown, metric: unknown, statistic: unknown) =>
    refuseArguments(
      nameProblems('pivot.row', row),
      nameProblems('pivot.column', column),
      nameProblems('pivot.metric', metric),
      row === column ? wrong('pivot.column', column, 'another column than the row') : [],
      choiceProblems('pivot.statistic', statistic, STATISTICS),
    ),
  best: (metric: unknown, direction: unknown) =>
    refuseArguments(
      metric === undefined ? [] : nameProblems('best.metric', metric),
      direction === undefined ? [] : choiceProblems('best.direction', direction, DIRECTIONS),
      metric === undefined && direction !== undefined
        ? wrong('best.metric', metric, 'a metric with the direction: without one, it is the objective')
        : [],
    ),
  histogram: (column: unknown, bins: Bins, by: unknown) =>
    refuseArguments(
      nameProblems('histogram.column', column),
      namesProblems('histogram.by', by),
      binsProblems(bins),
    ),
  sql: (texts: unknown) => refuseArguments(templateProblems(texts)),
  query: (text: unknown, values: unknown) => refuseArguments(sqlProblems(text, values)),
};

function refuseArguments(...problems: readonly (readonly Problem[])[]): void {
  const all = problems.flat();
  if (all.length > 0) throw new UsageError(partsOf(all, 'METALAB_ARGUMENT'));
}

const wrong = (where: string, value: unknown, expected: string): Problem[] => [
  { where, what: `is ${formatValue(value)}`, expected },
];

const nameProblems = (where: string, name: unknown): Problem[] =>
  typeof name === 'string' ? [] : wrong(where, name, 'the name of a column');

function namesProblems(where: string, names: unknown): Problem[] {
  if (!Array.isArray(names)) return wrong(where, names, 'a list of names of columns');
  return names.flatMap((name, index) => nameProblems(`${where}[${index}]`, name));
}

/** A column has groups once. */
const repeatedProblems = (where: string, names: readonly unknown[]): Problem[] =>
  names.flatMap((name, index) =>
    names.indexOf(name) < index
      ? [{ where: `${where}[${index}]`, what: `is ${formatValue(name)} again`, expected: 'each column once' }]
      : [],
  );

const countProblems = (where: string, count: unknown): Problem[] =>
  Number.isSafeInteger(count) && Number(count) >= 0 ? [] : wrong(where, count, 'a whole number from 0');

/** @param value one of a few texts, such as a statistic */
function choiceProblems(where: string, value: unknown, known: readonly string[]): Problem[] {
  if (typeof value !== 'string') return wrong(where, value, `one of ${known.join(', ')}`);
  return known.includes(value) ? [] : [unknownName(where, `is ${formatValue(value)}`, value, known)];
}

function statisticsProblems(where: string, statistics: unknown): Problem[] {
  if (!Array.isArray(statistics))
    return wrong(where, statistics, `a list of statistics, of ${STATISTICS.join(', ')}`);
  return statistics.flatMap((each, index) => choiceProblems(`${where}[${index}]`, each, STATISTICS));
}

/** @param where the method that got it, or its place in a list */
function conditionProblems(where: string, condition: Condition): Problem[] {
  if (typeof condition !== 'object' || condition === null)
    return wrong(where, condition, "a condition such as { column: 'loss', op: '<', value: 0.5 }");
  const problems = [
    ...nameProblems(`${where}.column`, condition.column),
    ...choiceProblems(`${where}.op`, condition.op, CONDITION_OPERATORS),
  ];
  if (condition.op === 'missing' || condition.op === 'present') {
    const { value } = condition as { readonly value?: unknown };
    return value === undefined ? problems : [...problems, ...wrong(`${where}.value`, value, 'no value')];
  }
  if (condition.op === 'in') {
    const { values } = condition;
    if (!Array.isArray(values)) return [...problems, ...wrong(`${where}.values`, values, 'a list of values')];
    return [
      ...problems,
      ...values.flatMap((value, index) => valueProblems(`${where}.values[${index}]`, value)),
    ];
  }
  if ('text' in condition) return problems;
  return [...problems, ...valueProblems(`${where}.value`, condition.value)];
}

function valueProblems(where: string, value: unknown): Problem[] {
  if (isJson(value)) return [];
  const expected = 'a number, text, boolean, null, list or object';
  const next = "where(column, 'missing') matches runs that have no value";
  return wrong(where, value, expected).map((problem) =>
    value === undefined ? { ...problem, next } : problem,
  );
}

function isJson(value: unknown): boolean {
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return true;
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.every(isJson);
  const prototype = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isJson);
}

function filterProblems(values: unknown): Problem[] {
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    return wrong('filter', values, "an object such as { lr: 0.1, opt: 'adam' }");
  return Object.entries(values).flatMap(([name, value]) => valueProblems(`filter.${name}`, value));
}

function sortProblems(keys: readonly unknown[]): Problem[] {
  return keys.flatMap((key, index) => {
    const where = `sort[${index}]`;
    if (typeof key === 'string') return [];
    if (typeof key !== 'object' || key === null || Array.isArray(key))
      return wrong(where, key, "the name of a column, or { column: 'loss', descending: true }");
    const { column, descending } = key as { readonly column?: unknown; readonly descending?: unknown };
    return [
      ...optionProblems(where, key, ['column', 'descending']),
      ...nameProblems(`${where}.column`, column),
      ...(descending === undefined || typeof descending === 'boolean'
        ? []
        : wrong(`${where}.descending`, descending, 'true or false')),
    ];
  });
}

function binsProblems(bins: Bins): Problem[] {
  const { low, width, count, log } = bins ?? {};
  const isRight =
    Number.isFinite(low) && Number.isFinite(width) && width > 0 && Number.isSafeInteger(count) && count > 0;
  if (isRight && typeof log === 'boolean') return [];
  return wrong('histogram.bins', bins, 'bins such as { low: 0, width: 0.1, count: 10, log: false }');
}

/** @param values what is bound to the parameters of a statement */
function sqlProblems(text: unknown, values: unknown): Problem[] {
  if (typeof text !== 'string') return wrong('query.text', text, 'one SELECT');
  if (!Array.isArray(values)) return wrong('query.values', values, 'a list of the values of $1, $2…');
  return values.flatMap((value, index) =>
    value === null || ['string', 'number', 'boolean'].includes(typeof value)
      ? []
      : wrong(`query.values[${index}]`, value, 'a number, text, boolean or null'),
  );
}

const templateProblems = (texts: unknown): Problem[] =>
  Array.isArray(texts) && 'raw' in texts
    ? []
    : [
        {
          where: 'sql',
          what: `got ${formatValue(texts)}`,
          expected: 'a template: results.sql`SELECT …`',
          next: 'query(text, values) takes a text',
        },
      ];
