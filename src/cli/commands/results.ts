import type { Group } from '../../results/query/grouping.js';
import type { Cell } from '../../results/query/rows.js';
import type { RowQuery } from '../../results/query/selection.js';
import type { Results } from '../../results/results.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';
import { parseCondition, parseNames, parseSort, wholeNumber } from '../parse-options.js';

interface ResultsOptions extends CommonOptions {
  readonly where?: readonly ReturnType<typeof parseCondition>[];
  readonly columns?: readonly string[];
  readonly sort?: ReturnType<typeof parseSort>;
  readonly limit?: number;
  readonly all?: boolean;
  readonly csv?: string;
  readonly groupBy?: readonly string[];
  readonly best?: string | true;
}

const DEFAULT_LIMIT = 50;

export const resultsCommand: CommandDefinition<ResultsOptions> = {
  name: 'results',
  summary: 'show params and metrics of runs as a table, CSV or JSON; summarise by group',
  description: `One row a run: its final record, of the latest code and context (--all: of older ones too). Columns are params and
metrics by name (params.x or metrics.x where both have an x), and: run_id, status, replicate, index, generation,
attempt, duration_ms, started_at, finished_at, error, error_type, tags, warnings, notes, code, context.`,
  arguments: [{ name: 'exp', description: 'experiment, by any unambiguous prefix of its id' }],
  options: [
    {
      flags: '--where <condition>',
      description: 'only runs that match, e.g. status=failed; may be repeated',
      repeatable: true,
      parse: parseCondition,
    },
    { flags: '--columns <names>', description: 'these columns, in this order', parse: parseNames },
    { flags: '--sort <names>', description: 'sort by these columns; -name: descending', parse: parseSort },
    {
      flags: '--limit <n>',
      description: `at most this many rows (default: ${DEFAULT_LIMIT} in a table, else all)`,
      parse: wholeNumber('--limit', 0, 1e9),
    },
    {
      flags: '--best [metric]',
      description:
        'the run with the best objective, or the least of this metric (metric:max: the most); --limit 5: the five best',
    },
    { flags: '--all', description: 'runs of older code and contexts too' },
    { flags: '--csv <file>', description: 'write CSV to a file, or - for stdout' },
    {
      flags: '--group-by <names>',
      description: 'n, mean, standard deviation and 95 % confidence interval by these columns',
      parse: parseNames,
    },
  ],
  examples: [
    { line: 'results pi_mc', does: 'the table' },
    {
      line: 'results pi_mc --group-by samples',
      does: 'mean and 95 % confidence interval for each number of samples',
    },
    {
      line: "results pi_mc --where 'samples>=1000000' --sort -pi --limit 5",
      does: 'the five largest estimates',
    },
    { line: 'results search --best', does: 'the run with the best objective' },
    { line: 'results search --best accuracy:max', does: 'the run with the highest accuracy' },
    { line: 'results pi_mc --where status=failed --columns run_id,error', does: 'what failed, and why' },
    { line: 'results pi_mc --csv pi.csv', does: 'for a spreadsheet, R or pandas' },
    { line: "results pi_mc --json | jq '.[].metrics.pi'", does: 'complete records' },
  ],
  store: true,
  json: true,
  async run({ exp = '' }, options, context) {
    const [{ resolveExperiment }, { openResults }, { warnOfDamage }] = await Promise.all([
      import('../../client/resolve/resolve-experiment.js'),
      import('../../results/results.js'),
      import('../format/warn-of-damage.js'),
    ]);
    const store = await context.store();
    const experiment = await resolveExperiment(store, exp);
    const results = await openResults(store, experiment, { all: options.all ?? false });
    try {
      warnOfDamage(results.damaged, context);
      const { best } = options;
      if (best === undefined) await print(results, options, context);
      else {
        const { bestQuery, objectiveOf } = await import('../../results/best.js');
        const objective = await objectiveOf(store, experiment, best === true ? undefined : best);
        await print(results, { ...options, ...bestQuery(results, objective, options) }, context);
      }
    } finally {
      results.close();
    }
    return undefined;
  },
};

async function print(results: Results, options: ResultsOptions, context: CommandContext): Promise<void> {
  const query: RowQuery = {
    where: options.where ?? [],
    sort: options.sort ?? [],
    ...(options.limit === undefined ? {} : { limit: options.limit }),
  };
  if (options.groupBy) return printGroups(results, options.groupBy, options, context);
  if (options.csv !== undefined) {
    const { writeCsv } = await import('../format/write-csv.js');
    return writeCsv(
      results,
      { ...query, columns: options.columns ?? results.defaultColumns },
      options.csv,
      context,
    );
  }
  if (options.json) {
    const { writeJsonArray } = await import('../format/write-json.js');
    return writeJsonArray(results.records(query), context);
  }
  await printRows(
    results,
    { ...query, columns: options.columns ?? results.defaultColumns, limit: options.limit ?? DEFAULT_LIMIT },
    options.best !== undefined,
    context,
  );
}

async function printRows(
  results: Results,
  query: RowQuery,
  best: boolean,
  context: CommandContext,
): Promise<void> {
  const rows = await results.rows(query);
  const total = await results.count(query.where);
  if (rows.length > 0) {
    const { printTable } = await import('../format/table.js');
    printTable(rows, context, query.columns);
  }
  if (total === 0)
    context.note(
      query.where?.length
        ? 'no matching runs'
        : 'no runs yet of the latest code and context (--all: older ones too)',
    );
  else if (total > rows.length && !best)
    context.note(context.color.dim(`… and ${total - rows.length} more (--limit)`));
}

async function printGroups(
  results: Results,
  by: readonly string[],
  options: ResultsOptions,
  context: CommandContext,
): Promise<void> {
  const { groups, left_out } = await results.groups({
    by,
    where: options.where ?? [],
    ...(options.columns ? { metrics: options.columns } : {}),
  });
  if (options.json) return context.out(JSON.stringify(groups));
  if (options.csv !== undefined) {
    const { writeRowsAsCsv } = await import('../format/write-csv.js');
    return writeRowsAsCsv(groupRows(groups), options.csv, context);
  }
  const { printTable } = await import('../format/table.js');
  if (groups.length > 0) printTable(groupRows(groups), context);
  else context.note('no matching runs');
  if (left_out > 0) context.note(context.color.dim(`${left_out} failed or cancelled runs left out`));
}

/** Groups as rows: the keys, how many runs, and mean, standard deviation and 95 % interval of each metric. */
function groupRows(groups: readonly Group[]): { [column: string]: Cell }[] {
  return groups.map(({ by, n, metrics }) => ({
    ...by,
    n,
    ...Object.fromEntries(
      Object.entries(metrics).flatMap(([name, { n: count, mean, std, ci95 }]) => [
        // A metric gets its own count only if some of the group's runs lack it.
        ...(groups.every((group) => group.metrics[name]?.n === group.n)
          ? []
          : [[`${name} n`, count] as const]),
        [`${name} mean`, mean] as const,
        [`${name} std`, std] as const,
        [`${name} ±95%`, ci95] as const,
      ]),
    ),
  }));
}
