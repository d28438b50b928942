import type { Cell, StoredCell } from '../../results/query/cell.js';
import { type Column, fullNameOf } from '../../results/query/columns.js';
import type { Group, Groups, StoredGroup, Summary } from '../../results/query/grouping.js';
import type { Statistic } from '../../results/query/statistics.js';

const LABELS: { readonly [statistic in Statistic]: string } = {
  n: 'n',
  mean: 'mean',
  std: 'std',
  sem: 'sem',
  ci95: '±95%',
  median: 'median',
  min: 'min',
  max: 'max',
};

interface GroupTable<Key> {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (Key | Cell)[])[];
}

/**
 * Groups as a table: the keys, how many runs, and the statistics of each metric. A metric has its own count, and says what
 * was left out of it, where that is not the same for all.
 *
 * @param keyColumns the columns of the keys
 */
export function groupTable<Of extends Group<StoredCell>>(
  { by, metrics, statistics, groups }: Groups<Of>,
  keyColumns: readonly Column[],
): GroupTable<Of['keys'][number]> {
  const counted = metrics.map(
    (_, index) => statistics.includes('n') || groups.some(({ n, summaries }) => summaries[index]!.n !== n),
  );
  const incomplete = metrics.map((_, index) =>
    groups.some(({ summaries }) => summaries[index]!.nonfinite + summaries[index]!.others > 0),
  );
  const shown = statistics.filter((statistic) => statistic !== 'n');
  const counts = [
    'n',
    ...metrics.flatMap((name, index) => [
      ...(counted[index] ? [`${name} n`] : []),
      ...shown.map((statistic) => `${name} ${LABELS[statistic]}`),
      ...(incomplete[index] ? [`${name} left out`] : []),
    ]),
  ];
  // A param may have any name: the full one is none of these.
  const names = by.map((name, index) => (counts.includes(name) ? fullNameOf(keyColumns[index]!) : name));
  const rows = groups.map(({ keys, n, summaries }) => [
    ...keys,
    n,
    ...summaries.flatMap((summary, index) => [
      ...(counted[index] ? [summary.n] : []),
      ...shown.map((statistic) => summary[statistic] ?? undefined),
      ...(incomplete[index] ? [leftOut(summary)] : []),
    ]),
  ]);
  return { columns: [...names, ...counts], rows };
}

/** What a number is not of, in words; undefined where that is nothing. */
export const leftOut = ({ nonfinite, others }: Pick<Summary, 'nonfinite' | 'others'>): Cell =>
  [nonfinite > 0 ? `${nonfinite} NaN or infinite` : '', others > 0 ? `${others} no number` : '']
    .filter(Boolean)
    .join(', ') || undefined;

/** Names and values of the keys stay apart from the counts: `n` may be a param. Missing keys are absent: they are not null. */
export function groupsAsJson({ by, metrics, groups }: Groups<StoredGroup>) {
  return groups.map(({ keys, n, left_out, summaries }) => ({
    by: Object.fromEntries(by.map((name, index) => [name, keys[index]])),
    n,
    left_out,
    metrics: Object.fromEntries(metrics.map((name, index) => [name, summaries[index]])),
  }));
}
