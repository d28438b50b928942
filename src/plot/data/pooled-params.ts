import type { Results } from '../../results/results.js';

/**
 * A note on the params that vary within what a chart shows as one mean, so that its runs are no mere replicates.
 *
 * @param keys the columns that tell the marks apart
 */
export async function notePooledParams(results: Results, keys: readonly string[]): Promise<string[]> {
  const total = async (...by: string[]) =>
    (
      await results
        .limit(1)
        .groupBy(...by)
        .stats([], [])
    ).total;
  const known = await results.resolveColumns(keys);
  const candidates = (await results.columns()).filter(
    (column) => column.kind === 'param' && column.varies && !known.includes(column),
  );
  const apart = await total(...keys);
  const pooled: string[] = [];
  for (const { name } of candidates) if ((await total(...keys, name)) > apart) pooled.push(name);
  if (pooled.length === 0) return [];
  return [`means are over ${pooled.join(', ')} too (--group, --facet or --where tells them apart)`];
}
