import type { Group } from '../../results/query/grouping.js';
import type { Cell } from '../../results/query/rows.js';

/** Groups as rows: the keys, how many runs, and mean, standard deviation and 95 % interval of each metric. */
export function groupRows(groups: readonly Group[]): { [column: string]: Cell }[] {
  return groups.map(({ by, n, metrics }) => ({
    ...by,
    n,
    ...Object.fromEntries(
      Object.entries(metrics).flatMap(([name, { n: count, mean, std, ci95 }]) => [
        // A metric gets its own count only if some of the group's runs lack it.
        ...(groups.every((group) => group.metrics[name]?.n === group.n)
          ? []
          : [[`${name} n`, count] as const]),
        [`${name} mean`, mean] as const,
        [`${name} std`, std] as const,
        [`${name} ±95%`, ci95] as const,
      ]),
    ),
  }));
}
