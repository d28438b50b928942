import type { SqlAnswer } from '../../results/engine.js';
import type { Cell } from '../../results/query/cell.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';
import { ALL_OPTION, CSV_OPTIONS, DEFAULT_LIMIT, LIMIT_OPTION } from '../results-options.js';
import { withResults } from '../with-results.js';

interface QueryOptions extends CommonOptions {
  readonly limit?: number;
  readonly all?: boolean;
  readonly csv?: string;
  readonly force?: boolean;
}

export const queryCommand: CommandDefinition<QueryOptions> = {
  name: 'query',
  summary: 'run a SQL SELECT over the runs of an experiment',
  description: `The dialect is DuckDB's. Relations are runs (one row a run, with the columns of metalab results; values of another
type are in "NAME (TYPE)"), series (run_id, name, step, value) and artifacts (run_id, name, kind, format, uri, size_bytes,
content_hash). No other file is read, and nothing is written.`,
  arguments: [
    { name: 'sql', description: 'one SELECT' },
    {
      name: 'exp',
      description: 'experiment, by any unambiguous prefix of its id; not needed where the store has one',
      optional: true,
    },
  ],
  options: [LIMIT_OPTION, ALL_OPTION, ...CSV_OPTIONS],
  examples: [
    { line: 'query "SELECT samples, avg(pi) FROM runs GROUP BY samples" pi_mc', does: 'a mean by SQL' },
    {
      line: 'query "SELECT * FROM series WHERE name = \'loss\' AND step > 100" search --csv loss.csv',
      does: 'points of learning curves',
    },
  ],
  store: true,
  json: true,
  async run({ sql = '', exp }, options, context) {
    const [only = '', ...others] = await (await context.resultsStore()).experiments();
    await withResults(exp ?? (others.length === 0 ? only : ''), options, context, async (results) => {
      await print(await results.query(sql), options, context);
    });
    return undefined;
  },
};

async function print(answer: SqlAnswer, options: QueryOptions, context: CommandContext): Promise<void> {
  const { columns } = answer;
  if (options.csv !== undefined) {
    const { writeCsv } = await import('../format/write-csv.js');
    return writeCsv(columns, limited(answer, options.limit), options, context);
  }
  if (options.json) {
    const { writeJsonArray } = await import('../format/write-json.js');
    return writeJsonArray(objects(answer, options.limit), context);
  }
  const limit = options.limit ?? DEFAULT_LIMIT;
  const rows: (readonly Cell[])[] = [];
  let total = 0;
  for await (const batch of answer.batches()) {
    rows.push(...batch.slice(0, Math.max(0, limit - rows.length)));
    total += batch.length;
  }
  const { printCells } = await import('../format/table.js');
  if (rows.length > 0) printCells(columns, rows, context);
  else context.note('no rows');
  if (total > rows.length) context.note(context.color.dim(`… and ${total - rows.length} more (--limit)`));
}

/** SQL's null is a missing value. */
async function* limited(answer: SqlAnswer, limit = Number.POSITIVE_INFINITY): AsyncGenerator<Cell[][], void> {
  let left = limit;
  for await (const batch of answer.batches()) {
    yield batch.slice(0, left).map((row) => row.map((cell) => cell ?? undefined));
    left -= batch.length;
    if (left <= 0) return;
  }
}

async function* objects(answer: SqlAnswer, limit?: number) {
  for await (const batch of limited(answer, limit))
    for (const row of batch)
      yield Object.fromEntries(answer.columns.map((name, index) => [name, row[index] ?? null]));
}
