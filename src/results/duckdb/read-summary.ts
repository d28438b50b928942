import type { Row } from '../query/cell.js';
import type { Column } from '../query/columns.js';
import type { Grouping, Summary } from '../query/grouping.js';
import { meanInterval, proportionInterval } from '../query/statistics.js';
import { groupColumns, type RawStatistic } from './group-sql.js';

/**
 * What a row says of one metric of its group.
 *
 * @param index of the metric among those of the query
 */
export function readSummary(row: Row, index: number, { type }: Column, { statistics }: Grouping): Summary {
  const value = (statistic: RawStatistic) => {
    const cell = row[groupColumns.statistic(index, statistic)];
    return typeof cell === 'number' ? cell : null;
  };
  const n = value('n') ?? 0;
  const [mean, std] = [value('mean'), n < 2 ? null : value('std')];
  const interval =
    mean === null ? null : type === 'boolean' ? proportionInterval(n, mean) : meanInterval(n, mean, std);
  const all = {
    mean,
    std,
    sem: std === null ? null : std / Math.sqrt(n),
    ci95: interval?.half ?? null,
    median: value('median'),
    min: value('min'),
    max: value('max'),
  };
  return {
    n,
    nonfinite: value('nonfinite') ?? 0,
    others: value('others') ?? 0,
    ...Object.fromEntries(
      statistics.flatMap((statistic) => (statistic === 'n' ? [] : [[statistic, all[statistic]]])),
    ),
    ...(statistics.includes('ci95') ? { low: interval?.low ?? null, high: interval?.high ?? null } : {}),
  };
}
