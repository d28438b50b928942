import type { Direction } from '../definition/objective.js';
import type { QueryEngine } from './engine.js';
import { wholeCell } from './query/cell.js';
import { check } from './query/check-query.js';
import type { ORIGIN_FIELDS } from './query/columns.js';
import { type Groups, resolveGrouping, type StoredGroup } from './query/grouping.js';
import type { RowQuery } from './query/selection.js';
import type { Statistic } from './query/statistics.js';

/** Which runs are grouped, and by what. `Best` is what the best runs are. */
interface Grouping<Best> {
  readonly engine: () => Promise<QueryEngine>;
  readonly by: readonly string[];
  readonly query: RowQuery;
  readonly all: boolean;
  /** The best runs of each group. */
  readonly best: (by: readonly string[], metric?: string, direction?: Direction) => Promise<Best>;
}

/** Groups of runs that have the same values of some columns. */
export class Grouped<Best = unknown> {
  readonly #engine: () => Promise<QueryEngine>;
  readonly #by: readonly string[];
  readonly #query: RowQuery;
  readonly #all: boolean;
  readonly #best: Grouping<Best>['best'];

  constructor({ engine, by, query, all, best }: Grouping<Best>) {
    this.#engine = engine;
    this.#by = by;
    this.#query = query;
    this.#all = all;
    this.#best = best;
  }

  /**
   * The best run of each group: of the objective, or of the least (`max`: most) of a metric; with a limit, so many of each.
   * Only successful runs that have it, in the order of the groups.
   *
   * @throws UsageError where no run has the metric, or neither a metric nor an objective is named
   */
  async best(metric?: string, direction?: Direction): Promise<Best> {
    check.best(metric, direction);
    const origins = this.#all ? await mixedOrigins(await this.#engine()) : [];
    return this.#best([...new Set([...this.#by, ...origins])], metric, direction);
  }

  /**
   * Statistics of the successful runs of each group, in the query's order and within its limit. Where runs of older
   * declarations are included, those of other code, context or seeds are further groups.
   *
   * @param metrics one or several; by default every metric that is a number or a boolean
   * @param statistics by default mean, sample standard deviation and half of the mean's 95 % confidence interval
   * @throws UsageError if a column is unknown, or can't be averaged
   */
  async stats(metrics?: string | readonly string[], statistics?: readonly Statistic[]): Promise<Groups> {
    const stored = await this.storedStats(metrics, statistics);
    const { longest } = this.#query;
    const groups = stored.groups.map(({ keys, n, left_out, summaries }) => ({
      keys: keys.map((key) => wholeCell(key, longest)),
      n,
      left_out,
      summaries,
    }));
    return { ...stored, groups };
  }

  /** The same; long texts of keys stay where they are. */
  async storedStats(
    metrics?: string | readonly string[],
    statistics?: readonly Statistic[],
  ): Promise<Groups<StoredGroup>> {
    check.stats(metrics, statistics);
    const engine = await this.#engine();
    const { where, sort, limit, offset, longest } = this.#query;
    const query = {
      by: this.#by,
      ...(metrics === undefined ? {} : { metrics: typeof metrics === 'string' ? [metrics] : metrics }),
      ...(statistics ? { statistics } : {}),
      ...(where ? { where } : {}),
      ...(sort ? { sort } : {}),
      ...(limit === undefined ? {} : { limit }),
      ...(offset === undefined ? {} : { offset }),
      ...(longest === undefined ? {} : { longest }),
    };
    const grouping = resolveGrouping(query, engine.columns, this.#all ? await mixedOrigins(engine) : []);
    const { groups, total } = await engine.groups(grouping);
    return {
      by: grouping.by.map(({ as }) => as),
      metrics: grouping.metrics.map(({ name }) => name),
      statistics: grouping.statistics,
      groups,
      left_out: groups.reduce((sum, { left_out }) => sum + left_out, 0),
      total,
    };
  }
}

/** What differs between the runs and makes them no replicates of each other. */
async function mixedOrigins(engine: QueryEngine): Promise<(typeof ORIGIN_FIELDS)[number][]> {
  const mixed: (typeof ORIGIN_FIELDS)[number][] = [];
  for (const name of ['code', 'context', 'seed_base'] as const) {
    const [column] = engine.columns.resolve([name]);
    if ((await engine.distinct(column!, 2)).length > 1) mixed.push(name);
  }
  return mixed;
}
