import { messageOf, UsageError } from '../../definition/errors.js';
import type { SqlAnswer, SqlValue } from '../engine.js';
import { writeStoredCells } from '../export/parquet-rows.js';
import { type TypedColumn, typedColumns } from '../export/typed-columns.js';
import type { StoredCell } from '../query/cell.js';
import type { Column, Columns } from '../query/columns.js';
import type { Comparison } from '../query/conditions.js';
import type { Selection } from '../query/selection.js';
import { castSql, Query } from './compile.js';
import { type Database, openDatabase, quoteName, quoteText } from './database.js';
import type { LoadedRuns } from './load-runs.js';
import type { Scratch } from './scratch.js';
import type { LoadedPoints } from './series-points.js';

const SQL_RELATIONS = ['runs', 'series', 'artifacts', 'derived'] as const;
type Relation = (typeof SQL_RELATIONS)[number];

interface SqlSource {
  readonly database: Database;
  readonly runs: LoadedRuns;
  readonly columns: Columns;
  points(): Promise<LoadedPoints>;
  /** Cells of all runs; long texts stay where they are. */
  cells(columns: Selection['columns']): AsyncIterable<readonly (readonly StoredCell[])[]>;
}

/** Answers SELECTs about the relations, each in a database of its own that can't read or write any file but theirs. */
export class SqlQueries {
  readonly #source: SqlSource;
  /** Parquet files of whole relations, which all answers read. */
  readonly #files = new Map<Relation, Promise<string>>();
  readonly #open = new Set<Database>();

  constructor(source: SqlSource) {
    this.#source = source;
  }

  /**
   * @param values of its parameters `$1`, `$2`…
   * @param where which runs the relations are about
   * @throws UsageError where it is no SELECT, or fails
   */
  async answer(text: string, values: readonly SqlValue[], where: readonly Comparison[]): Promise<SqlAnswer> {
    const named = SQL_RELATIONS.filter((relation) =>
      new RegExp(String.raw`\b${relation}\b(?!\.)`, 'i').test(text),
    );
    const database = await openDatabase();
    this.#open.add(database);
    const close = () => {
      if (this.#open.delete(database)) database.close();
    };
    try {
      const files: string[] = [];
      for (const relation of named) files.push(await this.#file(relation, text, database.scratch));
      const matching = where.length === 0 ? undefined : await this.#writeMatching(where, database.scratch);
      const allowed = [...files, ...(matching === undefined ? [] : [matching])];
      await database.run(`SET allowed_paths = [${allowed.map(quoteText).join(', ')}]`);
      for (const [index, relation] of named.entries()) {
        const rows = `SELECT * FROM ${readParquet(files[index]!)} AS rows`;
        const ofMatching =
          matching === undefined
            ? ''
            : ` SEMI JOIN ${readParquet(matching)} AS matching ON rows.run_id = matching.run_id`;
        await database.run(`CREATE VIEW ${relation} AS ${rows}${ofMatching}`);
      }
      // DuckDB never enables it again in the same database.
      await database.run('SET enable_external_access = false');
      const answer = await database.select(text, values).catch((error) => Promise.reject(sqlError(error)));
      if (answer.columns.some((column) => column.includes(LEFT_OUT))) throw tooWide(this.#source.columns);
      return {
        columns: answer.columns,
        async *batches() {
          try {
            yield* answer.batches();
          } catch (error) {
            throw sqlError(error);
          } finally {
            close();
          }
        },
      };
    } catch (error) {
      close();
      throw error;
    }
  }

  /**
   * A Parquet file of a relation.
   *
   * @param scratch where it is made if other statements need another one
   */
  #file(relation: Relation, text: string, scratch: Scratch): Promise<string> {
    if (relation === 'runs' && isWide(this.#source)) return this.#write(relation, text, scratch);
    const file = this.#files.get(relation) ?? this.#write(relation, text, this.#source.database.scratch);
    this.#files.set(relation, file);
    file.catch(() => this.#files.delete(relation));
    return file;
  }

  async #write(relation: Relation, text: string, scratch: Scratch): Promise<string> {
    const compacted = relation === 'series' && (await this.#source.points()).file;
    if (compacted) return compacted;
    const file = scratch.file(`${relation}.parquet`);
    // To make a list of texts of many megabytes, DuckDB takes several times their size.
    if (relation === 'runs' && this.#source.runs.hasLongLists) {
      await this.#writeRuns(text, file);
      return file;
    }
    const rows = await relationSql(this.#source, relation, text);
    await this.#source.database.run(`COPY (${rows}) TO ${quoteText(file)} (FORMAT parquet)`);
    return file;
  }

  /** The same columns as {@link runsSql} names. */
  async #writeRuns(text: string, file: string): Promise<void> {
    const { columns, runs, cells } = this.#source;
    const query = new Query(runs);
    const selected = namedColumns(this.#source, text).map((column) => ({ column, as: column.name }));
    const typed = typedColumns({ columns: selected }, (column) => query.typesOf(column));
    const own = typed.map((column): TypedColumn => {
      const type = column.type === 'int' && !isWholeField(column) ? 'double' : column.type;
      return { ...column, type };
    });
    const leftOut: TypedColumn = { name: LEFT_OUT, type: 'boolean', of: undefined, at: selected.length };
    const written = selected.length < columns.all.length ? [...own, leftOut] : own;
    await writeStoredCells(cells(selected), written, file, { plain: true });
  }

  /** The run_ids that match. */
  async #writeMatching(where: readonly Comparison[], scratch: Scratch): Promise<string> {
    const file = scratch.file('matching.parquet');
    const query = new Query(this.#source.runs);
    const clause = query.where(where);
    const rows = `SELECT run_id FROM ${query.from()} ${clause}`;
    await this.#source.database.run(`COPY (${rows}) TO ${quoteText(file)} (FORMAT parquet)`);
    return file;
  }

  close(): void {
    for (const database of this.#open) database.close();
    this.#open.clear();
  }
}

/** A field that DuckDB has as whole numbers. */
const isWholeField = ({ of }: TypedColumn): boolean =>
  of?.column.source.of === 'field' && of.column.source.name !== 'seed_base';

const readParquet = (file: string) => `read_parquet(${quoteText(file)})`;

/** DuckDB's message names the position, and the nearest names. */
const sqlError = (error: unknown) =>
  new UsageError(
    {
      code: 'METALAB_SQL',
      what: messageOf(error).trim(),
      expected: `one SELECT about ${SQL_RELATIONS.join(', ')}`,
    },
    { cause: error },
  );

async function relationSql(source: SqlSource, relation: Relation, text: string): Promise<string> {
  if (relation === 'series') return `SELECT run_id, name, step, value FROM ${(await source.points()).sql}`;
  if (relation === 'runs') return runsSql(source, text);
  if (relation === 'derived') return derivedSql(source);
  const shape = { name: 'VARCHAR', kind: 'VARCHAR', format: 'VARCHAR', uri: 'VARCHAR' };
  const structure = JSON.stringify([{ ...shape, size_bytes: 'BIGINT', content_hash: 'VARCHAR' }]);
  return `SELECT run_id, unnest(from_json(artifacts, ${quoteText(structure)}), recursive := true) FROM ${source.runs.rows()}`;
}

/** Derived metrics in long form: numbers are in `value`, values of other types in `text`. */
function derivedSql(source: SqlSource): string {
  const selects = source.columns.ofKind('derived').flatMap((column) => {
    const query = new Query(source.runs);
    const parts = query.parts(column).filter(({ type }) => type !== 'null');
    return parts.map(({ type, sql }) => {
      const [value, text] =
        type === 'number'
          ? [sql, 'CAST(NULL AS VARCHAR)']
          : ['CAST(NULL AS DOUBLE)', `CAST(${sql} AS VARCHAR)`];
      const name = quoteText(column.name.slice('derived.'.length));
      return `SELECT run_id, ${name} AS name, ${value} AS value, ${text} AS text FROM ${query.from()} WHERE ${sql} IS NOT NULL`;
    });
  });
  const none = `SELECT '' AS run_id, '' AS name, 0.0::DOUBLE AS value, '' AS text WHERE false`;
  return selects.length > 0 ? selects.join(' UNION ALL ') : none;
}

/** More columns take more memory: of wide experiments, the view has those that the statement names. */
const MAX_COLUMNS = 256;

/** A column that stands for those that are not there: `SELECT *` has it. */
const LEFT_OUT = 'columns that the statement does not name';

const tooWide = ({ all }: Columns) =>
  new UsageError({
    code: 'METALAB_SQL',
    what: `* of runs would be ${all.length} columns, which are more than ${MAX_COLUMNS}`,
    expected: 'the names of those that you need',
    next: 'rows(), table() and metalab results --csv have all of them',
  });

const isWide = ({ runs }: SqlSource) => runs.parts.size > MAX_COLUMNS;

/** All columns; of wide experiments, those that the statement names. */
function namedColumns(source: SqlSource, text: string): readonly Column[] {
  const { all } = source.columns;
  if (!isWide(source)) return all;
  // As SQL compares names: `LOSS` is loss. A quote in a name is written twice.
  const names = text.toLowerCase().replaceAll('""', '"');
  return all.filter(
    (column) => column.source.of === 'field' || names.includes(column.source.key.toLowerCase()),
  );
}

/** The columns as `results` names them; a column's values of another type are in `NAME (TYPE)`. */
function runsSql(source: SqlSource, text: string): string {
  const query = new Query(source.runs);
  const wanted = namedColumns(source, text);
  const columns = typedColumns({ columns: wanted.map((column) => ({ column, as: column.name })) }, (column) =>
    query.typesOf(column),
  );
  const list = columns.map(({ name, type, of }) => {
    const sql = query.part(of!.column, of!.valueType)!;
    return `${type === 'int' ? sql : castSql(sql, type)} AS ${quoteName(name)}`;
  });
  if (wanted.length < source.columns.all.length) list.push(`NULL AS ${quoteName(LEFT_OUT)}`);
  return `SELECT ${list.join(', ')} FROM ${query.from()}`;
}
