import { isDeepStrictEqual } from 'node:util';
import { listUncovered, uncoveredOf, wholeLines } from '../../storage/file/formats/coverage.js';
import { currentDerivations, listDerived } from '../../storage/file/formats/derived.js';
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
import { countDerived } from './derived-occurrences.js';
import { type LoadedDerived, loadDerived } from './load-derived.js';
import { LOADED, type LoadedRecords, loadRecords } from './load-records.js';
import { PLACE_COLUMNS, RECORD_FIELD_NAMES } from './record-table.js';
import { slicedRows } from './row-loader.js';
import { PART_TYPES, partKey, type ValuePart } from './value-parts.js';

/** Where rows come from: a query names the columns of values that it needs, and gets only these. */
interface RowSource {
  /** The rows that count, with the fields of a record and its own parts with these keys, as SQL after FROM. */
  from(keys: readonly string[]): string;
  /** Its own physical columns of values, by {@link partKey}. */
  readonly parts: ReadonlyMap<string, string>;
}

/** The final record of every run, one row each. */
export interface LoadedRuns {
  /** Which parts occur in any source. */
  readonly parts: ReadonlyMap<string, ValuePart>;
  readonly occurrences: readonly Occurrence[];
  /** How many segments, and files of derived metrics, have what is not compacted. */
  readonly uncovered: number;
  /** Of the compacted records of current runs, where there are any and nothing stands beside them in segments. */
  readonly coverage: RunsCoverage | undefined;
  /** Whether rows come in the cells' order by themselves: then {@link FILE_ROW} numbers them. */
  readonly inCellOrder: boolean;
  /** What the compacted records cover, and what was read beside them: bytes by segment. */
  readonly segments: { readonly [segment: string]: number };
  /** Of derived metrics: the code that counts, and the bytes of the files that were read. */
  readonly derived: NonNullable<RunsCoverage['derived']>;
  /** Lines of the segments that were left out, since they are no records. */
  readonly damaged: number;
  /** Whether some records have many megabytes: their values are not taken from DuckDB. */
  readonly hasLongLines: boolean;
  /** Whether notes or warnings of some of them have. */
  readonly hasLongLists: boolean;
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
  /** False: derived metrics are left out. */
  readonly derived?: boolean;
  /** Called before series are read. */
  readonly loadSeries?: () => Promise<void>;
}

/** Loads an experiment's runs: compacted ones as far as there are any, and of the segments what those don't cover. */
export async function loadRuns(
  database: Database,
  folder: string,
  options: LoadOptions,
): Promise<LoadedRuns> {
  const { current, all, derived: wantsDerived = true } = options;
  const declaration = current?.declaration ?? null;
  const compacted = await openRunsFiles(folder, (coverage) => all || coverage.declaration !== declaration);
  try {
    const covered = compacted[0]?.coverage.segments;
    const uncovered = await wholeLines(await listUncovered(folder, covered));
    const codes = wantsDerived ? await currentDerivations(folder) : new Map<string, string>();
    const known = compacted[0]?.coverage.derived ?? NO_DERIVED;
    // Values of other code don't count, and older versions did not tell the derivations apart: then all are read again.
    const isCovered =
      isDeepStrictEqual(known.codes, Object.fromEntries(codes)) &&
      (known.metrics !== undefined || codes.size <= 1);
    const coveredFiles = isCovered ? known.files : {};
    const derivedFiles = codes.size === 0 ? [] : await listDerived(folder);
    const newDerived = await wholeLines(await uncoveredOf(derivedFiles, coveredFiles));
    const derived = await loadDerived(database, {
      files: newDerived,
      covered: derivedFiles.flatMap((file) =>
        coveredFiles[file.name] === undefined ? [] : [{ ...file, from: 0, to: coveredFiles[file.name]! }],
      ),
      known: (isCovered ? known.metrics : undefined) ?? {},
      codes,
    });
    const keepsDerived = isCovered && !derived.all;
    const isKept = ({ source }: { readonly source: string }) => source !== 'derived' || keepsDerived;
    const sql = await currentSql(database, current);
    const asTheyAre = compacted.length === 1 && compacted[0]?.coverage.declaration === declaration;
    const isDerivedCovered = keepsDerived && newDerived.length === 0;
    const inCellOrder = uncovered.length === 0 && asTheyAre && isDerivedCovered;
    const ofCurrent = all ? 'true' : 'is_current';
    const loaded =
      uncovered.length === 0 && compacted.length > 0
        ? NOTHING_LOADED
        : await loadRecords(database, uncovered, (record) => all || !current || isCurrent(record, current));
    // Compacted records are final among themselves: to look through a million takes seconds.
    const final = loaded.rows === 0 ? (rows: string) => rows : notSuperseded;
    if (loaded.rows > 0) await makeSuperseded(database, compacted);
    const submission = `split_part(segment, '/', 1) AS submission`;
    const from = (rows: string, known: boolean) =>
      known
        ? `(SELECT *, ${submission}, true AS is_current FROM ${rows})`
        : `(SELECT * REPLACE (CASE WHEN is_current THEN ${sql.index} ELSE "index" END AS "index") FROM (SELECT *, (${sql.condition}) AS is_current FROM (SELECT *, ${submission} FROM ${rows})))`;
    const sources = compacted.map(({ path, coverage }): RowSource => {
      const columns = coverage.columns.filter(isKept);
      const parts = new Map(columns.map((column) => [partKey(column), quoteName(column.name)]));
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
          const parts = keys.flatMap((key) => loaded.parts.get(key) ?? []);
          return `${from(final(slicedRows(LOADED, RECORD_COLUMNS, parts)), false)} WHERE ${ofCurrent}`;
        },
        parts: new Map([...loaded.parts].map(([key, { name }]) => [key, quoteName(name)])),
      });
    const covers = uncovered.length === 0 ? compacted[0]?.coverage : undefined;
    const parts = new Map<string, ValuePart>([
      ...compacted.flatMap(({ coverage }) =>
        coverage.columns.filter(isKept).map((column) => [partKey(column), column] as const),
      ),
      ...[...loaded.parts, ...derived.parts].map(([key, { part }]) => [key, part] as const),
    ]);
    const fields = inCellOrder ? [...FIELDS, FILE_ROW] : FIELDS;
    const rows = (names: ReadonlyMap<string, string> = new Map()) =>
      `(${sources.map((source) => selectFrom(source, derived, names, fields)).join(' UNION ALL ')})`;
    const derivedParts = [...parts.values()].filter(({ source }) => source === 'derived');
    const countedDerived = isDerivedCovered ? [] : await countDerived(database, derivedParts, rows);
    // Some lines don't count for any run: what only they have is no column.
    const counts = new Map(countedDerived.map((occurrence) => [occurrence.key, occurrence.counts]));
    if (!isDerivedCovered)
      for (const part of derivedParts) if (!counts.get(part.key)?.[part.type]) parts.delete(partKey(part));
    const isCounted = ({ source }: Occurrence) => source !== 'derived' || isDerivedCovered;
    return {
      parts,
      occurrences: mergeOccurrences([
        ...compacted.map(({ coverage }) => coverage.occurrences.filter(isCounted)),
        loaded.occurrences,
        countedDerived,
      ]),
      uncovered: uncovered.length + (isDerivedCovered ? 0 : 1),
      coverage: covers,
      inCellOrder,
      segments: { ...covered, ...Object.fromEntries(uncovered.map(({ name, to }) => [name, to])) },
      derived: {
        codes: Object.fromEntries(codes),
        metrics: derived.metrics,
        files: { ...coveredFiles, ...Object.fromEntries(newDerived.map(({ name, to }) => [name, to])) },
      },
      damaged: (compacted[0]?.coverage.damaged ?? 0) + loaded.damaged,
      hasLongLines: loaded.hasLongLines || (compacted[0]?.coverage.long_lines ?? false),
      hasLongLists: loaded.hasLongLists || (await haveLongLists(database, compacted)),
      rows,
      close: async () => void (await Promise.all(compacted.map((file) => file.close()))),
    };
  } catch (error) {
    await Promise.all(compacted.map((file) => file.close()));
    throw error;
  }
}

const RECORD_COLUMNS = [...RECORD_FIELD_NAMES, ...Object.keys(PLACE_COLUMNS)];

/** The number of a row in a compacted file. */
export const FILE_ROW = 'file_row_number';

const FIELDS = [...RECORD_COLUMNS, 'submission', 'is_current'].map(quoteName);

function selectFrom(
  { from, parts: own }: RowSource,
  derived: LoadedDerived,
  parts: ReadonlyMap<string, string>,
  fields: readonly string[],
): string {
  const joined = new Set([...parts.keys()].filter((key) => derived.parts.has(key)));
  const list = [...parts].map(([key, name]) => {
    if (joined.has(key)) return name;
    const type = PART_TYPES[key.slice(0, key.indexOf(' ')) as keyof typeof PART_TYPES];
    return `${own.has(key) ? `CAST(${own.get(key)} AS ${type})` : `CAST(NULL AS ${type})`} AS ${name}`;
  });
  const wanted = [...joined].map((key) => {
    const column = own.get(key);
    return { key, as: parts.get(key)!, ...(column === undefined ? {} : { own: column }) };
  });
  const rows = from([...parts.keys()]);
  const all = wanted.length === 0 ? rows : derived.join(`(SELECT * FROM ${rows})`, wanted);
  return `SELECT ${[...fields, ...list].join(', ')} FROM ${all}`;
}

/** Of a column of a row group. */
const LONG_LISTS_BYTES = 8 << 20;

/** Whether compacted notes or warnings may have many megabytes. */
async function haveLongLists(database: Database, compacted: readonly RunsFile[]): Promise<boolean> {
  if (!compacted[0]?.coverage.long_lines) return false;
  const files = compacted.map(({ path }) => quoteText(path)).join(', ');
  const [row] = await database.all(`SELECT max(total_uncompressed_size) AS bytes
    FROM parquet_metadata([${files}]) WHERE path_in_schema LIKE 'notes,%' OR path_in_schema LIKE 'warnings,%'`);
  return Number(row?.bytes ?? 0) > LONG_LISTS_BYTES;
}

const NO_DERIVED: LoadedRuns['derived'] = { codes: {}, files: {} };
const NOTHING_LOADED: LoadedRecords = {
  parts: new Map(),
  occurrences: [],
  rows: 0,
  damaged: 0,
  hasLongLines: false,
  hasLongLists: false,
};

const namesOf = (parts: ReadonlyMap<string, string>, keys: readonly string[]) =>
  keys.map((key) => parts.get(key)).filter((name) => name !== undefined);

/**
 * Times are timestamps in the file, and lists are lists.
 *
 * @param values columns of params and metrics
 */
function compactedRows(path: string, values: readonly string[] = []): string {
  const fields = RECORD_COLUMNS.map((name) => {
    if (name === 'started_at' || name === 'finished_at')
      return `strftime(make_timestamp(epoch_us(${name})), '%Y-%m-%dT%H:%M:%S.%gZ') AS ${name}`;
    if (name === 'tags' || name === 'warnings' || name === 'notes')
      return `CAST(to_json(${name}) AS VARCHAR) AS ${name}`;
    return quoteName(name);
  });
  const rows = `read_parquet(${quoteText(path)}, file_row_number = true)`;
  return `(SELECT ${[...fields, FILE_ROW, ...values].join(', ')} FROM ${rows})`;
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
