import type { Pivot } from '../../results/pivot.js';
import type { Groups, Summary } from '../../results/query/grouping.js';
import type { Statistic } from '../../results/query/statistics.js';

/** Statistics that are made of sums, whose last digits are rounding errors. */
const OF_SUMS = ['mean', 'std', 'sem', 'ci95'] as const;
const DIGITS = 15;

const round = <T extends number | null | undefined>(value: T): T | number =>
  typeof value === 'number' ? Number(value.toPrecision(DIGITS)) : value;

/** What a table shows of groups: without digits that are rounding errors, which would make equal values look different. */
export function groupsWithoutErrors(groups: Groups): Groups {
  const rounded = (summary: Summary): Summary => ({
    ...summary,
    ...Object.fromEntries(OF_SUMS.flatMap((name) => (name in summary ? [[name, round(summary[name])]] : []))),
  });
  return {
    ...groups,
    groups: groups.groups.map((group) => ({ ...group, summaries: group.summaries.map(rounded) })),
  };
}

/** The same of a pivot. */
export function pivotWithoutErrors(pivot: Pivot): Pivot {
  const ofSums: readonly Statistic[] = OF_SUMS;
  if (!ofSums.includes(pivot.statistic)) return pivot;
  return {
    ...pivot,
    rows: pivot.rows.map(({ keys, cells }) => ({
      keys,
      cells: cells.map((cell) => cell && { ...cell, value: round(cell.value) }),
    })),
  };
}
