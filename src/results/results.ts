import { StoreError } from '../definition/errors.js';
import type { RunRecord } from '../definition/record.js';
import { hasExperimentManifests, hasWorkingDirectory, type Store } from '../storage/store.js';
import { cellRanges } from './cell-ranges.js';
import { type Column, type Columns, findColumns } from './columns.js';
import { type Database, openDatabase, type Row } from './database.js';
import { type GroupQuery, type Groups, queryGroups } from './groups.js';
import { type Current, isCurrent, type LoadedRuns, loadRuns } from './load-runs.js';
import { columnList, type RowQuery, selectColumns, selectSql } from './query.js';
import { RECORD_JSON } from './record-columns.js';
import { parseRecord } from './record-json.js';
import { type Condition, whereSql } from './where.js';

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
  batches(query?: RowQuery): AsyncIterable<Row[]>;
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
  const folder = store.experimentFolder(experimentId);
  const current = options.all ? null : await currentOf(store, experimentId);
  const database = await openDatabase();
  let loaded: LoadedRuns | undefined;
  try {
    loaded = await loadRuns(database, folder, current);
    const columns = await findColumns(database, whatOccurs(loaded, current));
    const defaults = await defaultColumns(columns, options.all ?? false, () =>
      database.all(`SELECT DISTINCT status FROM runs`),
    );
    return makeResults(database, loaded, columns, defaults);
  } catch (error) {
    database.close();
    await loaded?.close();
    throw error;
  }
}

function makeResults(
  database: Database,
  loaded: LoadedRuns,
  columns: Columns,
  defaultColumns: readonly string[],
): Results {
  const inCellOrder = loaded.coverage !== undefined;
  const batches = (query: RowQuery = {}) => {
    const list = columnList(query, selectColumns(query, columns));
    return database.batches(selectSql(query, columns, { list, inCellOrder }));
  };
  return {
    columns: columns.all,
    defaultColumns,
    damaged: loaded.damaged,
    async count(where = []) {
      const [row] = await database.all(`SELECT count(*) AS n FROM runs ${whereSql(where, columns)}`);
      return Number(row?.n ?? 0);
    },
    async rows(query) {
      const rows: Row[] = [];
      for await (const batch of batches(query)) rows.push(...batch);
      return rows;
    },
    batches,
    groups: (query) => queryGroups(database, columns, query),
    async *records(query = {}) {
      const { sort = [], limit, offset } = query;
      const whole = inCellOrder || sort.length > 0 || limit !== undefined || offset !== undefined;
      for (const range of whole ? ['true'] : await cellRanges(database, loaded)) {
        const sql = selectSql(query, columns, { list: `${RECORD_JSON} AS record`, inCellOrder, range });
        for await (const batch of database.batches(sql)) {
          for (const { record } of batch) yield parseRecord(String(record));
        }
      }
    },
    close() {
      database.close();
      void loaded.close();
    },
  };
}

/** What the compacted records say of the params and metrics in them, where they are all there is. */
function whatOccurs({ coverage }: LoadedRuns, current: Current | null) {
  if (!coverage?.occurrences) return undefined;
  const counted = <T extends Current>(list: readonly T[]) =>
    current ? list.filter((entry) => isCurrent(entry, current)) : list;
  const runs = counted(coverage.statuses).reduce((sum, { n }) => sum + n, 0);
  return { runs, occurrences: counted(coverage.occurrences) };
}

/** Code and context of the latest manifest; null where there is none. */
export async function currentOf(store: Store, experimentId: string): Promise<Current | null> {
  const manifest = hasExperimentManifests(store) ? await store.readManifest(experimentId) : undefined;
  if (!manifest) return null;
  return {
    code_fingerprint: manifest.operation.code_fingerprint,
    context_fingerprint: manifest.context_fingerprint,
  };
}

/** Varying params, replicate and metrics; status where not all is success; code and context where they are mixed. */
async function defaultColumns(
  columns: Columns,
  all: boolean,
  statuses: () => Promise<Row[]>,
): Promise<string[]> {
  const params = columns.ofKind('param');
  const varying = params.filter(({ varies }) => varies);
  const troubled = (await statuses()).some(({ status }) => status !== 'success');
  return [
    ...(varying.length > 0 ? varying : params).map(({ name }) => name),
    'replicate',
    ...columns.ofKind('metric').map(({ name }) => name),
    ...(troubled ? ['status'] : []),
    ...(all ? ['code', 'context'] : []),
  ];
}
