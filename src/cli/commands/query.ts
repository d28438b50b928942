import type { SqlAnswer } from '../../results/engine.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';
import { wholeNumber } from '../parse-options.js';

interface QueryOptions extends CommonOptions {
  readonly limit?: number;
  readonly all?: boolean;
  readonly csv?: string;
  readonly force?: boolean;
}

const DEFAULT_LIMIT = 50;

export const queryCommand: CommandDefinition<QueryOptions> = {
  name: 'query',
  summary: 'answer a SELECT in SQL about the runs of an experiment',
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
  options: [
    {
      flags: '--limit <n>',
      description: `at most this many rows (default: ${DEFAULT_LIMIT} in a table, else all)`,
      parse: wholeNumber('--limit', 0, 1e9),
    },
    { flags: '--all', description: 'runs of older code, contexts, params and seeds too' },
    { flags: '--csv <file>', description: 'write CSV to a new file, or - for stdout' },
    { flags: '--force', description: 'with --csv: replace a file that is there' },
  ],
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
    const [{ resolveExperiment }, { resultsOf }] = await Promise.all([
      import('../../client/resolve/resolve-experiment.js'),
      import('../../results/results.js'),
    ]);
    const store = await context.store();
    const [only = '', ...others] = await store.experiments();
    const experiment = await resolveExperiment(store, exp ?? (others.length === 0 ? only : ''));
    const results = resultsOf(store, experiment);
    try {
      const answer = await (options.all ? results.all() : results).query(sql);
      await print(answer, options, context);
    } finally {
      await results.close();
    }
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
  const rows = [];
  let total = 0;
  for await (const batch of answer.batches()) {
    rows.push(...batch.slice(0, Math.max(0, limit - rows.length)));
    total += batch.length;
  }
  const { printCells } = await import('../format/table.js');
  // Of SQL, a missing value is null.
  if (rows.length > 0) printCells(columns, rows, context);
  else context.note('no rows');
  if (total > rows.length) context.note(context.color.dim(`… and ${total - rows.length} more (--limit)`));
}

async function* limited(answer: SqlAnswer, limit = Number.POSITIVE_INFINITY) {
  let left = limit;
  for await (const batch of answer.batches()) {
    if (left <= 0) return;
    yield batch.slice(0, left).map((row) => row.map((cell) => cell ?? undefined));
    left -= batch.length;
  }
}

async function* objects(answer: SqlAnswer, limit = Number.POSITIVE_INFINITY) {
  let left = limit;
  for await (const batch of answer.batches())
    for (const row of batch)
      if (left-- > 0)
        yield Object.fromEntries(answer.columns.map((name, index) => [name, row[index] ?? null]));
}
