import type { Selection } from '../query/selection.js';
import { type Query, selectionSql } from './compile.js';
import { quoteText } from './database.js';

/**
 * One row a point of the series of the selected runs, in their order, by name and step: the list, and name, step and value.
 *
 * @param list what to select, as SQL under names that are not the user's
 * @param points a subquery of run_id, name, step and value
 */
export function seriesSql(
  query: Query,
  selection: Selection,
  list: readonly string[],
  points: string,
  inCellOrder: boolean,
): string {
  const { series = [] } = selection;
  const runs = selectionSql(query, selection, [...list, 'run_id AS point_of'], inCellOrder);
  return [
    'SELECT runs.* EXCLUDE (point_of, place), name, step, value',
    `FROM (SELECT *, row_number() OVER () AS place FROM (${runs})) AS runs`,
    `JOIN (SELECT run_id AS point_run, name, step, value FROM ${points}) ON point_run = point_of`,
    series.length > 0 ? `WHERE name IN (${series.map(quoteText).join(', ')})` : '',
    'ORDER BY place, name, step',
  ].join(' ');
}
