import { UsageError } from '../../definition/errors.js';
import type { SqlAnswer, SqlValue } from '../engine.js';
import type { Column, Columns } from '../query/columns.js';
import { Query } from './compile.js';
import { type Database, openDatabase, quoteName, quoteText } from './database.js';
import type { LoadedRuns } from './load-runs.js';
import { loadSeriesPoints } from './series-points.js';

const SQL_RELATIONS = ['runs', 'series', 'artifacts'] as const;
type Relation = (typeof SQL_RELATIONS)[number];

interface SqlSource {
  readonly database: Database;
  readonly folder: string;
  readonly runs: LoadedRuns;
  readonly columns: Columns;
}

/**
 * Answers one SELECT about the relations, in a database of its own that can't read or write any file but theirs.
 *
 * @param values of its parameters `$1`, `$2`…
 * @throws UsageError where it is no SELECT, or fails
 */
export async function runSql(
  source: SqlSource,
  text: string,
  values: readonly SqlValue[],
): Promise<SqlAnswer> {
  const views: string[] = [];
  const files: string[] = [];
  for (const relation of SQL_RELATIONS) {
    if (!new RegExp(String.raw`\b${relation}\b`, 'i').test(text)) continue;
    const file = source.database.scratch.file(`sql-${relation}.parquet`);
    await source.database.run(
      `COPY (${await relationSql(source, relation, text)}) TO ${quoteText(file)} (FORMAT parquet)`,
    );
    files.push(file);
    views.push(`CREATE VIEW ${relation} AS SELECT * FROM read_parquet(${quoteText(file)})`);
  }
  const database = await openDatabase();
  try {
    const allowed = files.map(quoteText).join(', ');
    await database.run(`SET allowed_paths = [${allowed}]`);
    for (const view of views) await database.run(view);
    await database.run('SET enable_external_access = false');
    await database.run('SET lock_configuration = true');
    const answer = await database.select(text, values);
    return {
      columns: answer.columns,
      async *batches() {
        try {
          yield* answer.batches();
        } catch (error) {
          throw sqlError(error);
        } finally {
          database.close();
        }
      },
    };
  } catch (error) {
    database.close();
    throw error instanceof UsageError ? error : sqlError(error);
  }
}

/** DuckDB's message names the position, and the nearest names. */
const sqlError = (error: unknown) =>
  new UsageError(
    {
      code: 'METALAB_SQL',
      what: (error instanceof Error ? error.message : String(error)).trim(),
      expected: `one SELECT about ${SQL_RELATIONS.join(', ')}`,
    },
    { cause: error },
  );

async function relationSql(source: SqlSource, relation: Relation, text: string): Promise<string> {
  if (relation === 'series')
    return `SELECT * FROM ${await loadSeriesPoints(source.database, source.folder, source.runs)}`;
  if (relation === 'runs') return runsSql(source, text);
  const shape = { name: 'VARCHAR', kind: 'VARCHAR', format: 'VARCHAR', uri: 'VARCHAR' };
  const structure = JSON.stringify([{ ...shape, size_bytes: 'BIGINT', content_hash: 'VARCHAR' }]);
  return `SELECT run_id, unnest(from_json(artifacts, ${quoteText(structure)}), recursive := true) FROM ${source.runs.rows()}`;
}

/** More columns take more memory: of wide experiments, the view has those that the statement names. */
const MAX_COLUMNS = 256;

/** The columns as `results` names them; a column's values of another type are in `NAME (TYPE)`. */
function runsSql({ runs, columns }: SqlSource, text: string): string {
  const query = new Query(runs);
  const isWide = runs.parts.size > MAX_COLUMNS;
  const wanted = columns.all.filter(
    ({ source }) => !isWide || source.of === 'field' || text.includes(source.key),
  );
  const used = new Set<string>();
  const list = wanted.flatMap((column) =>
    query.parts(column).map(({ type, sql }, index) => {
      const plain = index === 0 ? column.name : `${column.name} (${type})`;
      let name = plain;
      for (let number = 2; used.has(name.toLowerCase()); number++) name = `${plain} (${number})`;
      used.add(name.toLowerCase());
      return `${typed(column, sql)} AS ${quoteName(name)}`;
    }),
  );
  return `SELECT ${list.join(', ')} FROM ${query.from()}`;
}

function typed(column: Column, sql: string): string {
  if (column.type === 'list') return `CAST(CAST(${sql} AS JSON) AS VARCHAR[])`;
  if (column.name === 'started_at' || column.name === 'finished_at') return `CAST(${sql} AS TIMESTAMPTZ)`;
  return sql;
}
