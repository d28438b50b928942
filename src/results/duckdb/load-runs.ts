import { listUncovered, wholeLines } from '../../storage/file/formats/coverage.js';
import {
  type Occurrence,
  openRunsFiles,
  type RunsCoverage,
  type RunsFile,
} from '../../storage/file/formats/runs-file.js';
import { FINAL_RECORD_ORDER } from '../../storage/final-record.js';
import { isCurrent, type Origins } from '../current.js';
import { mergeOccurrences } from '../query/occurrence.js';
import { currentSql } from './current-cells.js';
import { type Database, quoteName, quoteText } from './database.js';
import { loadedRows, loadRecords } from './load-records.js';
import { PLACE_COLUMNS, RECORD_FIELD_NAMES } from './record-table.js';
import { PART_TYPES, partKey, type ValuePart } from './value-parts.js';

/** Where rows come from: a query names the columns of values that it needs, and gets only these. */
interface RowSource {
  /** The rows that count, with the fields of a record and the parts with these keys, as SQL after FROM. */
  from(keys: readonly string[]): string;
  /** Physical columns of params and metrics, by {@link partKey}. */
  readonly parts: ReadonlyMap<string, string>;
}

/** The final record of every run, one row each. */
export interface LoadedRuns {
  /** Which parts occur in any source. */
  readonly parts: ReadonlyMap<string, ValuePart>;
  readonly occurrences: readonly Occurrence[];
  /** Records that were read from segments. */
  readonly uncovered: number;
  /** Of the compacted records of current runs, where there are any and nothing stands beside them in segments. */
  readonly coverage: RunsCoverage | undefined;
  /** Whether rows come in the cells' order by themselves. */
  readonly inCellOrder: boolean;
  /** What the compacted records cover, and what was read beside them: bytes by segment. */
  readonly segments: { readonly [segment: string]: number };
  /** Lines of the segments that were left out, since they are no records. */
  readonly damaged: number;
  /**
   * A subquery: fields of records, `submission`, `is_current`, and the parts asked for under these names.
   *
   * @param parts names by {@link partKey}
   */
  rows(parts?: ReadonlyMap<string, string>): string;
  close(): Promise<void>;
}

export interface LoadOptions extends Origins {
  /** Runs that are not current, too. */
  readonly all: boolean;
}

/** Loads an experiment's runs: compacted ones as far as there are any, and of the segments what those don't cover. */
export async function loadRuns(
  database: Database,
  folder: string,
  options: LoadOptions,
): Promise<LoadedRuns> {
  const { current, all } = options;
  const declaration = current?.declaration ?? null;
  const compacted = await openRunsFiles(folder, (coverage) => all || coverage.declaration !== declaration);
  try {
    const covered = compacted[0]?.coverage.segments;
    const uncovered = await wholeLines(await listUncovered(folder, covered));
    const sql = await currentSql(database, current);
    const asTheyAre = compacted.length === 1 && compacted[0]?.coverage.declaration === declaration;
    const ofCurrent = all ? 'true' : 'is_current';
    const loaded = await loadRecords(
      database,
      uncovered,
      (record) => all || !current || isCurrent(record, current),
    );
    // Compacted records are final among themselves: to look through a million takes seconds.
    const final = loaded.rows === 0 ? (rows: string) => rows : notSuperseded;
    if (loaded.rows > 0) await makeSuperseded(database, compacted);
    const submission = `split_part(segment, '/', 1) AS submission`;
    const from = (rows: string, known: boolean) =>
      known
        ? `(SELECT *, ${submission}, true AS is_current FROM ${rows})`
        : `(SELECT * REPLACE (CASE WHEN is_current THEN ${sql.index} ELSE "index" END AS "index") FROM (SELECT *, (${sql.condition}) AS is_current FROM (SELECT *, ${submission} FROM ${rows})))`;
    const sources = compacted.map(({ path, coverage }): RowSource => {
      const parts = new Map(coverage.columns.map((column) => [partKey(column), quoteName(column.name)]));
      return {
        from: (keys) => {
          const rows = compactedRows(path, namesOf(parts, keys));
          return `${from(final(rows), asTheyAre)} WHERE ${ofCurrent}`;
        },
        parts,
      };
    });
    if (loaded.rows > 0 || sources.length === 0)
      sources.push({
        from: (keys) => {
          const slices = new Set(keys.map((key) => loaded.parts.get(key)?.slice ?? 0));
          return `${from(final(loadedRows(slices)), false)} WHERE ${ofCurrent}`;
        },
        parts: new Map([...loaded.parts].map(([key, { name }]) => [key, quoteName(name)])),
      });
    const covers = uncovered.length === 0 ? compacted[0]?.coverage : undefined;
    return {
      parts: new Map([
        ...compacted.flatMap(({ coverage }) =>
          coverage.columns.map((column) => [partKey(column), column] as const),
        ),
        ...[...loaded.parts].map(([key, { part }]) => [key, part] as const),
      ]),
      occurrences: mergeOccurrences([
        ...compacted.map(({ coverage }) => coverage.occurrences),
        loaded.occurrences,
      ]),
      uncovered: uncovered.length,
      coverage: covers,
      inCellOrder: covers !== undefined && asTheyAre,
      segments: { ...covered, ...Object.fromEntries(uncovered.map(({ name, to }) => [name, to])) },
      damaged: (compacted[0]?.coverage.damaged ?? 0) + loaded.damaged,
      rows: (parts = new Map()) =>
        `(${sources.map((source) => selectFrom(source, parts)).join(' UNION ALL ')})`,
      close: async () => void (await Promise.all(compacted.map((file) => file.close()))),
    };
  } catch (error) {
    await Promise.all(compacted.map((file) => file.close()));
    throw error;
  }
}

const FIELDS = [...RECORD_FIELD_NAMES, ...Object.keys(PLACE_COLUMNS), 'submission', 'is_current'].map(
  quoteName,
);

function selectFrom({ from, parts: own }: RowSource, parts: ReadonlyMap<string, string>): string {
  const list = [...parts].map(([key, name]) => {
    const type = PART_TYPES[key.slice(0, key.indexOf(' ')) as keyof typeof PART_TYPES];
    return `${own.has(key) ? `CAST(${own.get(key)} AS ${type})` : `CAST(NULL AS ${type})`} AS ${name}`;
  });
  return `SELECT ${[...FIELDS, ...list].join(', ')} FROM ${from([...parts.keys()])}`;
}

const namesOf = (parts: ReadonlyMap<string, string>, keys: readonly string[]) =>
  keys.map((key) => parts.get(key)).filter((name) => name !== undefined);

/**
 * Times are timestamps in the file, and lists are lists.
 *
 * @param values columns of params and metrics
 */
function compactedRows(path: string, values: readonly string[] = []): string {
  const fields = [...RECORD_FIELD_NAMES, ...Object.keys(PLACE_COLUMNS)].map((name) => {
    if (name === 'started_at' || name === 'finished_at')
      return `strftime(make_timestamp(epoch_us(${name})), '%Y-%m-%dT%H:%M:%S.%gZ') AS ${name}`;
    if (name === 'tags' || name === 'warnings' || name === 'notes')
      return `CAST(to_json(${name}) AS VARCHAR) AS ${name}`;
    return quoteName(name);
  });
  return `(SELECT ${[...fields, ...values].join(', ')} FROM read_parquet(${quoteText(path)}))`;
}

const notSuperseded = (rows: string) =>
  `(SELECT * FROM ${rows} AS records ANTI JOIN superseded ON records.segment = superseded.segment AND records.segment_offset = superseded.segment_offset)`;

/** Which records another one of the same run_id beats: few, so that only what orders them is sorted. */
async function makeSuperseded(database: Database, compacted: readonly RunsFile[]): Promise<void> {
  const keys = 'run_id, generation, status, finished_at, segment, segment_offset';
  const sources = [
    `SELECT ${keys} FROM loaded`,
    ...compacted.map(
      ({ path }) =>
        `SELECT ${keys} FROM ${compactedRows(path)} AS compacted SEMI JOIN loaded ON compacted.run_id = loaded.run_id`,
    ),
  ].join(' UNION ALL ');
  await database.run(`
    CREATE TABLE superseded AS
    WITH records AS (${sources}),
      several AS (SELECT run_id FROM records GROUP BY run_id HAVING count(*) > 1)
    SELECT segment, segment_offset FROM records SEMI JOIN several ON records.run_id = several.run_id
    QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY ${FINAL_RECORD_ORDER}) > 1`);
}
