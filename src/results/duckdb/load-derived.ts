import type { UncoveredSegment } from '../../storage/file/formats/coverage.js';
import { contestedName, derivedValues, scanDerived } from '../../storage/file/formats/derived.js';
import { type Database, globLiteral, quoteText } from './database.js';
import { type LoadedPart, type LoadedRows, RowLoader, slicedRows } from './row-loader.js';
import { partKey } from './value-parts.js';

const TABLE = 'derived_lines';
/** DuckDB groups so many lines at once within its memory: 5,000,000 lines at once took 540 MB. */
const LINES_AT_ONCE = 500_000;
const KEY = ['run_id', 'generation', 'attempt'] as const;

/** Derived metrics of files of lines: joined to runs where a query wants them. */
export interface LoadedDerived extends Pick<LoadedRows, 'parts'> {
  /** The derivations that gave each metric. */
  readonly metrics: DerivationsOfMetrics;
  /** Whether what is compacted was read again, since it has a metric under a name that two derivations have now. */
  readonly all: boolean;
  /**
   * Rows with further columns, as SQL after FROM.
   *
   * @param rows a subquery that has the fields of records
   * @param parts `own`: the rows' own column of the part, if they have one; `as`: the column's name
   */
  join(
    rows: string,
    parts: readonly { readonly key: string; readonly own?: string; readonly as: string }[],
  ): string;
}

type DerivationsOfMetrics = { readonly [metric: string]: readonly string[] };

interface DerivedFiles {
  /** What is not compacted. */
  readonly files: readonly UncoveredSegment[];
  /** What is. */
  readonly covered: readonly UncoveredSegment[];
  /** The derivations of each metric there. */
  readonly known: DerivationsOfMetrics;
  /** The code of each derivation that counts. */
  readonly codes: ReadonlyMap<string, string>;
}

/** Loads derived metrics. A name that several derivations gave is that of none: each has {@link contestedName}. */
export async function loadDerived(
  database: Database,
  { files, covered, known, codes }: DerivedFiles,
): Promise<LoadedDerived> {
  // An empty table takes 10 ms.
  if (files.length === 0) return { parts: new Map(), metrics: known, all: false, join: (rows) => rows };
  const loader = new RowLoader(database, TABLE, {
    run_id: 'VARCHAR',
    generation: 'BIGINT',
    attempt: 'BIGINT',
    slot: 'VARCHAR',
  });
  const metrics = new Map(Object.entries(known).map(([metric, names]) => [metric, new Set(names)]));
  const read = (some: readonly UncoveredSegment[]) =>
    scanDerived(
      some,
      (line, slot, bytes) => {
        const { derivation } = line;
        if (codes.get(derivation) !== line.code) return;
        const values = Object.entries(derivedValues(line)).map(([metric, value]) => {
          const names = metrics.get(metric);
          if (names) names.add(derivation);
          else metrics.set(metric, new Set([derivation]));
          return [loadedKey(metric, derivation), value] as const;
        });
        loader.addValues('derived', Object.fromEntries(values));
        loader.addRow([line.run_id, line.generation, line.attempt, slot], bytes);
      },
      async () => {
        if (loader.isFull) await loader.flush();
      },
    );
  await read(files);
  const all = Object.entries(known).some(
    ([metric, names]) => names.length === 1 && metrics.get(metric)!.size > 1,
  );
  if (all) await read(covered);
  const { parts: loaded, rows } = await loader.end();
  const parts = namedParts(loaded, metrics);
  const tables = rows > 0 ? await mergeLines(database, parts, rows) : [];
  return {
    parts,
    metrics: Object.fromEntries([...metrics].map(([metric, names]) => [metric, [...names].sort()])),
    all,
    join(rowsSql, wanted) {
      const slices = new Set(wanted.flatMap(({ key }) => parts.get(key)?.slice ?? []));
      const joined = tables.filter(({ slice }) => slices.has(slice));
      const columns = wanted.map(({ key, own, as }) => {
        const part = parts.get(key);
        const places = joined.filter(({ slice }) => slice === part?.slice);
        return `${coalesce([...places.map(({ table }) => `${table}.${part!.name}`), ...(own ? [own] : [])])} AS ${as}`;
      });
      const joins = joined.map(({ table, ofSlots }) => {
        const keys = KEY.map((key) => `${table}.${key} = recorded.${key}`);
        if (ofSlots) keys.push(`${table}.slot = json_extract_string(recorded.provenance, '$.slot')`);
        return ` LEFT JOIN ${table} ON ${keys.join(' AND ')}`;
      });
      return `(SELECT ${['recorded.*', ...columns].join(', ')} FROM ${rowsSql} AS recorded${joins.join('')})`;
    },
  };
}

const SEPARATOR = '\n';

/** While lines are read, values of different derivations are apart: whether they have the same names is known in the end. */
const loadedKey = (metric: string, derivation: string) => `${derivation}${SEPARATOR}${metric}`;

function namedParts(
  parts: LoadedRows['parts'],
  metrics: ReadonlyMap<string, ReadonlySet<string>>,
): Map<string, LoadedPart> {
  const named = [...parts.values()].map((loaded): LoadedPart => {
    const { key } = loaded.part;
    const [derivation, metric] = [
      key.slice(0, key.indexOf(SEPARATOR)),
      key.slice(key.indexOf(SEPARATOR) + 1),
    ];
    const isContested = metrics.get(metric)!.size > 1;
    return {
      ...loaded,
      part: { ...loaded.part, key: isContested ? contestedName(metric, derivation) : metric },
    };
  });
  return new Map(named.map((each) => [partKey(each.part), each]));
}

const coalesce = (values: readonly string[]) =>
  values.length === 1 ? values[0]! : `coalesce(${values.join(', ')})`;

interface MergedTable {
  readonly table: string;
  readonly slice: number;
  /** Whether slots wrote the lines, while they executed the runs. */
  readonly ofSlots: boolean;
}

/** Tables with one row for each execution of a run: several derivations have a line each. */
async function mergeLines(
  database: Database,
  parts: LoadedRows['parts'],
  rows: number,
): Promise<MergedTable[]> {
  const passes = Math.ceil(rows / LINES_AT_ONCE);
  const tables: MergedTable[] = [];
  for (const slice of new Set([...parts.values()].map((part) => part.slice))) {
    const ofSlice = [...parts.values()].filter((part) => part.slice === slice);
    const merged = ofSlice.map(({ name }) => `any_value(${name}) AS ${name}`);
    for (const ofSlots of [false, true]) {
      const table = `derived_${ofSlots ? 'of_slots' : 'afterwards'}_${slice}`;
      const keys = ofSlots ? [...KEY, 'slot'] : KEY;
      const files: string[] = [];
      for (let pass = 0; pass < passes; pass++) {
        const file = database.scratch.file(`${table}-${pass}.parquet`);
        const wanted = `slot IS ${ofSlots ? 'NOT NULL' : 'NULL'} AND hash(run_id) % ${passes} = ${pass}`;
        await database.run(
          `COPY (SELECT ${[...keys, ...merged].join(', ')} FROM ${slicedRows(TABLE, [...KEY, 'slot'], ofSlice)} WHERE ${wanted} GROUP BY ${keys.join(', ')}) TO ${quoteText(file)} (FORMAT parquet)`,
        );
        files.push(quoteText(globLiteral(file)));
      }
      await database.run(`CREATE VIEW ${table} AS SELECT * FROM read_parquet([${files.join(', ')}])`);
      tables.push({ table, slice, ofSlots });
    }
  }
  return tables;
}
