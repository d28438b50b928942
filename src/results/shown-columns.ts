import type { QueryEngine } from './engine.js';
import { ORIGIN_FIELDS } from './query/columns.js';

/** What a table shows where nothing else is asked for: see `Results.shownColumns`. */
export async function shownColumns(engine: QueryEngine, all: boolean): Promise<readonly string[]> {
  const params = engine.columns.ofKind('param');
  const varying = params.filter(({ varies }) => varies);
  const troubled = (await engine.statuses()).some((status) => status !== 'success');
  return [
    ...(varying.length > 0 ? varying : params).map(({ name }) => name),
    'replicate',
    ...engine.columns.ofKind('metric').map(({ name }) => name),
    ...engine.columns.ofKind('derived').map(({ name }) => name),
    ...(troubled ? ['status'] : []),
    ...(all ? ORIGIN_FIELDS : []),
  ];
}
