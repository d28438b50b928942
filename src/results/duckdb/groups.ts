import { StoreError } from '../../definition/errors.js';
import type { ValueType } from '../../storage/file/formats/runs-file.js';
import type { Row, StoredCell } from '../query/cell.js';
import type { Column } from '../query/columns.js';
import type { Grouping, StoredGroup, Summary } from '../query/grouping.js';
import { recordCell } from './cells-of-records.js';
import { type Part, Query } from './compile.js';
import type { Database } from './database.js';
import { groupColumns, groupingSql } from './group-sql.js';
import type { LoadedRuns } from './load-runs.js';
import { fieldCell, readCell } from './read-cell.js';
import { readSummary } from './read-summary.js';
import { openRecordsOfRows } from './rows-with-records.js';
import { partKey } from './value-parts.js';

/** Statistics of so many metrics are computed in one pass over the runs: more take more memory. */
const METRICS_AT_ONCE = 32;
/** Of few runs, which have few groups: each pass takes DuckDB 0.1 s to plan. */
const [FEW_RUNS, METRICS_OF_FEW] = [2048, 128];

/** Whose groups they are. */
export interface GroupedRuns {
  readonly database: Database;
  /** The experiment's. */
  readonly folder: string;
  readonly runs: LoadedRuns;
  /** How many there are. */
  readonly total: number;
}

/** Groups in the order of the query, and how many there are beyond its limit, too. */
export async function groupsOf(
  { database, folder, runs, total: ofRuns }: GroupedRuns,
  grouping: Grouping,
): Promise<{ readonly groups: readonly StoredGroup[]; readonly total: number }> {
  const summaries: Summary[][] = [];
  let groups: Omit<StoredGroup, 'summaries'>[] = [];
  let total = 0;
  const inOrder = inStoredOrder(grouping.metrics, runs);
  const most = ofRuns <= FEW_RUNS ? METRICS_OF_FEW : METRICS_AT_ONCE;
  for (let from = 0; from === 0 || from < inOrder.length; from += most) {
    const metrics = inOrder.slice(from, from + most);
    const query = new Query(runs);
    const keys = grouping.by.map(({ column }) => ({ column, parts: query.parts(column) }));
    const sql = groupingSql(
      query,
      grouping,
      metrics.map(({ metric }) => metric),
    );
    const rows = await database.all(sql);
    // The order is total, so each pass has the same groups in the same order.
    if (from === 0) {
      total = Number(rows[0]?.[groupColumns.total] ?? 0);
      groups = await readGroups(rows, keys, grouping.longest, folder);
    }
    for (const [group, row] of rows.entries()) {
      summaries[group] ??= [];
      for (const [index, { metric, place }] of metrics.entries())
        summaries[group][place] = readSummary(row, index, metric, grouping);
    }
  }
  return { groups: groups.map((group, at) => ({ ...group, summaries: summaries[at]! })), total };
}

/** Neighbours are in the same table: one pass reads few of them. */
function inStoredOrder(
  metrics: readonly Column[],
  { parts }: LoadedRuns,
): { readonly metric: Column; readonly place: number }[] {
  const places = metrics.map((metric, place) => ({ metric, place }));
  if (metrics.length <= METRICS_AT_ONCE) return places;
  const stored = new Map([...parts.values()].map((part, at) => [partKey(part), at]));
  const storedAt = ({ metric: { source, type } }: { readonly metric: Column }) =>
    (source.of !== 'field' && type !== 'list'
      ? stored.get(partKey({ source: source.of, key: source.key, type }))
      : undefined) ?? -1;
  return places.sort((a, b) => storedAt(a) - storedAt(b));
}

interface KeyColumn {
  readonly column: Column;
  readonly parts: readonly Part[];
}

/** Groups without their summaries. Texts that DuckDB gave only the beginning of are read from a record of the group. */
async function readGroups(
  rows: readonly Row[],
  columns: readonly KeyColumn[],
  longest: number | undefined,
  folder: string,
): Promise<Omit<StoredGroup, 'summaries'>[]> {
  const records = openRecordsOfRows(folder);
  const known = new Map<string, StoredCell>();
  const readCut = async (row: Row, column: Column, key: string) => {
    if (known.has(key)) return known.get(key);
    const found = await records.read(row);
    if (!found)
      throw new StoreError({
        code: 'METALAB_STORE_CORRUPT',
        where: `${row.segment}, byte ${row.segment_offset}`,
        what: 'the record that was there is not there any more',
        next: 'metalab store check',
      });
    const cell = recordCell(found.record, column);
    known.set(key, cell);
    return cell;
  };
  try {
    const groups: Omit<StoredGroup, 'summaries'>[] = [];
    for (const row of rows) {
      const keys: StoredCell[] = [];
      const hashes: string[] = [];
      for (const [index, { column, parts }] of columns.entries()) {
        const type = CUT_TYPES.find((each) => row[groupColumns.isCut(index, each)] === true);
        if (!type) {
          keys.push(fieldCell(column, readCell(row, index, parts, groupColumns.key)));
          continue;
        }
        const text = String(row[groupColumns.key(index, type)]);
        const hash = `${type} ${text.slice(-HASH_LENGTH)}`;
        hashes[index] = hash;
        const isCutEnough = type === 'text' && column.type !== 'list' && longest !== undefined;
        keys.push(isCutEnough ? text.slice(0, longest) : await readCut(row, column, `${index} ${hash}`));
      }
      groups.push({
        keys,
        ...(hashes.length > 0 ? { hashes } : {}),
        n: Number(row[groupColumns.success]),
        left_out: Number(row[groupColumns.others]),
      });
    }
    return groups;
  } finally {
    await records.close();
  }
}

const CUT_TYPES: readonly ValueType[] = ['text', 'json'];
const HASH_LENGTH = 64;
