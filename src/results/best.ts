import { UsageError } from '../definition/errors.js';
import { oneOfNearest } from '../definition/nearest.js';
import { DIRECTIONS, type Direction, type Objective } from '../definition/objective.js';
import type { ResultsStore } from '../storage/store.js';
import { type Column, fullNameOf } from './query/columns.js';
import type { Condition } from './query/conditions.js';
import type { RowQuery, SortKey } from './query/selection.js';

/**
 * What the best run is the best by: a metric, or without one what the experiment's latest declaration says.
 *
 * @throws UsageError where that says nothing
 */
export async function objectiveOf(
  store: ResultsStore,
  experimentId: string,
  metric: string | undefined,
  direction: Direction = 'min',
): Promise<Objective> {
  if (metric !== undefined) return { metric, direction };
  const manifest = await store.readManifest(experimentId);
  if (manifest?.objective) return manifest.objective;
  throw new UsageError({
    code: 'METALAB_OBJECTIVE',
    where: experimentId,
    what: 'the experiment names no objective',
    expected:
      "--best METRIC or --best METRIC:max, or objective: { metric: 'loss', direction: 'min' } in the experiment",
  });
}

/**
 * An objective as the command line names it: `loss`, or `accuracy:max`.
 *
 * @throws UsageError
 */
export function parseObjective(text: string): Objective {
  const [, metric = text, direction] = /^(.+):([^:]*)$/.exec(text) ?? [];
  if (direction === undefined) return { metric: text, direction: 'min' };
  const known = DIRECTIONS.find((each) => each === direction);
  if (known) return { metric, direction: known };
  throw new UsageError({
    code: 'METALAB_OBJECTIVE',
    what: `--best ${text}: '${direction}' is no direction`,
    expected: `${metric}:min or ${metric}:max`,
  });
}

/**
 * The best runs first: one, where no limit says more. Only successes that have the metric; of equal ones the first cell.
 *
 * @throws UsageError where no run has the metric, or it is no number
 */
export function bestQuery(
  columns: readonly Column[],
  { metric, direction }: Objective,
  { where = [], limit = 1 }: Pick<RowQuery, 'where' | 'limit'>,
): { readonly where: Condition[]; readonly sort: SortKey[]; readonly limit: number } {
  const metrics = columns.filter(({ kind }) => kind === 'metric' || kind === 'derived');
  const column =
    metrics.find(({ name }) => name === metric) ??
    metrics.find((each) => [metric, `metrics.${metric}`].includes(fullNameOf(each)));
  if (column?.type !== 'number') {
    const numeric = metrics.filter(({ type }) => type === 'number').map(({ name }) => name);
    throw new UsageError({
      code: 'METALAB_OBJECTIVE',
      what: column ? `'${metric}' is no number` : `no run has the metric '${metric}'`,
      expected: oneOfNearest(metric, numeric),
    });
  }
  return {
    where: [...where, { column: 'status', op: '=', value: 'success' }, ...isFiniteNumber(column.name)],
    sort: [{ column: column.name, descending: direction === 'max' }],
    limit,
  };
}

const isFiniteNumber = (column: string): Condition[] => [
  { column, op: '>=', value: -Number.MAX_VALUE },
  { column, op: '<=', value: Number.MAX_VALUE },
];
