import { UsageError } from '../definition/errors.js';
import { DIRECTIONS, type Objective } from '../definition/objective.js';
import { hasExperimentManifests, type Store } from '../storage/store.js';
import type { Condition } from './query/conditions.js';
import type { RowQuery, SortKey } from './query/selection.js';
import type { Results } from './results.js';

/**
 * What the best run is the best by: `loss`, `accuracy:max`, or without a text what the experiment's latest declaration says.
 *
 * @throws UsageError where that says nothing
 */
export async function objectiveOf(
  store: Store,
  experimentId: string,
  text: string | undefined,
): Promise<Objective> {
  if (text !== undefined) {
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
  const manifest = hasExperimentManifests(store) ? await store.readManifest(experimentId) : undefined;
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
 * The best runs first: one, where no limit says more. Only successes that have the metric; of equal ones the first cell.
 *
 * @throws UsageError where no run has the metric, or it is no number
 */
export function bestQuery(
  { columns }: Results,
  { metric, direction }: Objective,
  { where = [], limit = 1 }: Pick<RowQuery, 'where' | 'limit'>,
): { readonly where: Condition[]; readonly sort: SortKey[]; readonly limit: number } {
  const metrics = columns.filter(({ kind }) => kind === 'metric');
  const column = metrics.find(({ name }) => name === metric || name === `metrics.${metric}`);
  if (column?.type !== 'number')
    throw new UsageError({
      code: 'METALAB_OBJECTIVE',
      what: column ? `'${metric}' is not a number in all runs` : `no run has the metric '${metric}'`,
      expected: `one of: ${metrics
        .filter(({ type }) => type === 'number')
        .map(({ name }) => name)
        .join(', ')}`,
    });
  return {
    where: [...where, { column: 'status', op: '=', value: 'success' }, isNumber(column.name)],
    sort: [{ column: column.name, descending: direction === 'max' }],
    limit,
  };
}

/** Neither missing nor NaN: DuckDB's NaN is more than every number. */
const isNumber = (column: string): Condition => ({ column, op: '<=', value: String(Number.MAX_VALUE) });
