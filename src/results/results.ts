import { StoreError } from '../definition/errors.js';
import type { RunRecord } from '../definition/record.js';
import { hasWorkingDirectory, type Store } from '../storage/store.js';
import { currentOf } from './current.js';
import { openDuckdbEngine } from './duckdb/engine.js';
import type { QueryEngine } from './engine.js';
import type { Column } from './query/columns.js';
import { type Condition, resolveConditions } from './query/conditions.js';
import { type GroupQuery, type Groups, resolveGrouping, toGroups } from './query/grouping.js';
import type { Row } from './query/rows.js';
import { type RowQuery, resolveSelection } from './query/selection.js';

/** What an experiment's runs came to: one row a run, that of its final record. */
export interface Results {
  /** Every column, and which of them a table shows where nothing else is asked for. */
  readonly columns: readonly Column[];
  readonly defaultColumns: readonly string[];
  /** Lines of the segments that are left out, since they are no records; `metalab store check` names them. */
  readonly damaged: number;
  /** How many runs fit the conditions. */
  count(where?: readonly Condition[]): Promise<number>;
  /** Rows of cells by column name, in the order of the query: by default that of the cells. */
  rows(query?: RowQuery): Promise<Row[]>;
  /** The same in batches, in constant memory. */
  batches(query?: RowQuery): AsyncIterable<readonly Row[]>;
  groups(query: GroupQuery): Promise<Groups>;
  /** Complete records as they are stored, in the order of the query. */
  records(query?: Omit<RowQuery, 'columns'>): AsyncIterable<RunRecord>;
  close(): void;
}

/**
 * Opens an experiment's results: of the latest manifest's code and context.
 *
 * @param options.all runs of older code and contexts too
 * @throws StoreError where the store keeps no segments on this machine
 */
export async function openResults(
  store: Store,
  experimentId: string,
  options: { readonly all?: boolean } = {},
): Promise<Results> {
  if (!hasWorkingDirectory(store)) {
    throw new StoreError({
      code: 'METALAB_STORE_NOT_LOCAL',
      where: store.uri,
      what: 'results are read from a store in a folder, and this one is elsewhere',
      next: 'name a store that is a folder with --store',
    });
  }
  const current = options.all ? null : await currentOf(store, experimentId);
  const engine = await openDuckdbEngine(store.experimentFolder(experimentId), current);
  try {
    return makeResults(engine, await defaultColumns(engine, options.all ?? false));
  } catch (error) {
    engine.close();
    throw error;
  }
}

function makeResults(engine: QueryEngine, defaultColumns: readonly string[]): Results {
  const { columns } = engine;
  const batches = (query: RowQuery = {}) => engine.rows(resolveSelection(query, columns));
  return {
    columns: columns.all,
    defaultColumns,
    damaged: engine.damaged,
    count: async (where = []) => engine.count(resolveConditions(where, columns)),
    async rows(query) {
      const rows: Row[] = [];
      for await (const batch of batches(query)) rows.push(...batch);
      return rows;
    },
    batches,
    async groups(query) {
      const grouping = resolveGrouping(query, columns);
      return toGroups(await engine.groups(grouping), grouping);
    },
    records: (query = {}) => engine.records(resolveSelection(query, columns)),
    close: () => engine.close(),
  };
}

/** Varying params, replicate and metrics; status where not all is success; code and context where they are mixed. */
async function defaultColumns(engine: QueryEngine, all: boolean): Promise<string[]> {
  const params = engine.columns.ofKind('param');
  const varying = params.filter(({ varies }) => varies);
  const troubled = (await engine.statuses()).some((status) => status !== 'success');
  return [
    ...(varying.length > 0 ? varying : params).map(({ name }) => name),
    'replicate',
    ...engine.columns.ofKind('metric').map(({ name }) => name),
    ...(troubled ? ['status'] : []),
    ...(all ? ['code', 'context'] : []),
  ];
}
