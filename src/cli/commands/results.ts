import { UsageError } from '../../definition/errors.js';
import { listNames } from '../../definition/printable.js';
import type { Cell } from '../../results/query/cell.js';
import { ORIGIN_FIELDS } from '../../results/query/columns.js';
import type { Statistic } from '../../results/query/statistics.js';
import type { Results } from '../../results/results.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';
import {
  type parseCondition,
  parseNames,
  parsePivot,
  type parseSort,
  parseStatistics,
  pivotError,
} from '../parse-query.js';
import {
  ALL_OPTION,
  CSV_OPTIONS,
  DEFAULT_LIMIT,
  LIMIT_OPTION,
  SORT_OPTION,
  WHERE_OPTION,
} from '../results-options.js';
import { withResults } from '../with-results.js';

interface ResultsOptions extends CommonOptions {
  readonly where?: readonly ReturnType<typeof parseCondition>[];
  readonly columns?: readonly string[];
  readonly sort?: ReturnType<typeof parseSort>;
  readonly limit?: number;
  readonly all?: boolean;
  readonly csv?: string;
  readonly force?: boolean;
  readonly groupBy?: readonly string[];
  readonly stats?: readonly Statistic[];
  readonly best?: string | true;
  readonly pivot?: readonly string[];
  readonly value?: string;
}

export const resultsCommand: CommandDefinition<ResultsOptions> = {
  name: 'results',
  summary: 'show params and metrics of runs as a table, CSV or JSON; summarise by group',
  description: `One row a run: its final record, of exactly the cells of the latest declaration (--all: of older ones too). Columns are
params and metrics by name (params.x or metrics.x where both have an x), and: run_id, status, replicate, index,
generation, attempt, duration_ms, started_at, finished_at, error, error_type, tags, warnings, notes, code, context,
seed_base, submission. In conditions a value in double quotes is text, and null is null: x=null, x="null", 'x missing'.`,
  arguments: [{ name: 'exp', description: 'experiment, by any unambiguous prefix of its id' }],
  options: [
    WHERE_OPTION,
    { flags: '--columns <names>', description: 'these columns, in this order', parse: parseNames },
    {
      ...SORT_OPTION,
      description: `${SORT_OPTION.description}; with --group-by also n, and 'loss std' or another statistic`,
    },
    LIMIT_OPTION,
    {
      flags: '--best [metric]',
      description:
        'the run with the best objective, or the least of this metric (metric:max: the most); --limit 5: the five best; with --group-by: of each group',
    },
    ALL_OPTION,
    ...CSV_OPTIONS,
    {
      flags: '--group-by <names>',
      description: 'n, mean, standard deviation and 95 % confidence interval by these columns',
      parse: parseNames,
    },
    {
      flags: '--pivot <row,column>',
      description: 'a row for each value of one column, a column for each value of another',
      parse: parsePivot,
    },
    { flags: '--value <metric>', description: 'with --pivot, what the cells are the mean (--stats) of' },
    {
      flags: '--stats <names>',
      description:
        'with --group-by, these instead: n, mean, std, sem, ci95, median, min, max; with --pivot, one of them',
      parse: parseStatistics,
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
    { line: 'results search --pivot lr,opt --value loss', does: 'mean loss by lr, one column for each opt' },
    { line: 'results search --best', does: 'the run with the best objective' },
    { line: 'results search --best accuracy:max', does: 'the run with the highest accuracy' },
    { line: 'results search --best loss --group-by opt', does: 'the run with the least loss of each opt' },
    { line: 'results pi_mc --where status=failed --columns run_id,error', does: 'what failed, and why' },
    { line: 'results pi_mc --csv pi.csv', does: 'for a spreadsheet, R or pandas' },
    { line: "results pi_mc --json | jq '.[].metrics.pi'", does: 'complete records' },
  ],
  store: true,
  json: true,
  async run({ exp = '' }, options, context) {
    await withResults(exp, options, context, async (results) => {
      await print(await refine(results, options), options, context);
    });
    return undefined;
  },
};

async function refine(results: Results, options: ResultsOptions): Promise<Results> {
  let query = results;
  if (options.sort) query = query.sort(...options.sort);
  if (options.limit !== undefined) query = query.limit(options.limit);
  if (options.columns && !options.groupBy) query = query.select(...options.columns);
  if (options.best === undefined) return query;
  const { parseObjective } = await import('../../results/best.js');
  const { metric, direction } = options.best === true ? {} : parseObjective(options.best);
  if (!options.groupBy) return query.best(metric, direction);
  const shown = options.columns ?? (await query.shownColumns());
  const best = await query.groupBy(...options.groupBy).best(metric, direction);
  // Runs of other declarations are in groups of their own.
  const origins = options.all ? ORIGIN_FIELDS : [];
  return best.select(...new Set([...options.groupBy, ...shown, ...origins]));
}

async function print(results: Results, options: ResultsOptions, context: CommandContext): Promise<void> {
  if (options.value !== undefined && !options.pivot)
    throw pivotError('--value without --pivot', '--pivot ROW,COLUMN');
  if (options.pivot && (options.groupBy || options.columns || options.best))
    throw pivotError('--pivot with --group-by, --columns or --best', 'one of them');
  if (options.best && options.stats)
    throw new UsageError({
      code: 'METALAB_OPTION',
      what: "--best with --stats can't be: --best shows single runs",
      expected: 'one of them',
    });
  if (options.groupBy && !options.best) return printGroups(results, options.groupBy, options, context);
  if (options.pivot) return printPivot(results, options.pivot, options, context);
  if (options.csv !== undefined) {
    const { writeOutput } = await import('../format/write-output.js');
    const exported = await results.select(...(await results.shownColumns())).exported();
    const to = { target: options.csv, option: '--csv', force: options.force ?? false };
    return writeOutput(exported.pieces('csv'), to, context);
  }
  if (options.json) {
    const { writeJsonArray } = await import('../format/write-json.js');
    return writeJsonArray(results.storedRecords(), context);
  }
  const isPage = options.best ? options.groupBy : options.limit === undefined;
  await printRows(isPage ? results.limit(DEFAULT_LIMIT) : results, options, context);
}

/** A table shows fewer characters of a text. */
const MAX_SHOWN = 1200;

async function printRows(results: Results, options: ResultsOptions, context: CommandContext): Promise<void> {
  const { columns, rows } = await results.cutTexts(MAX_SHOWN).table();
  const total = await results.count();
  if (rows.length > 0) {
    const [{ printCells }, { toShown }] = await Promise.all([
      import('../format/table.js'),
      import('../format/shown-cell.js'),
    ]);
    const mixed = await mixedColumns(results, columns);
    const cells = rows.map((row) => columns.map((column) => toShown(row[column], mixed.has(column))));
    printCells(columns, cells, context);
  }
  if (total === 0)
    context.note(
      options.where?.length
        ? 'no matching runs'
        : 'no runs yet of the latest declaration (--all: of older ones too)',
    );
  else if (total > rows.length && !options.best)
    context.note(context.color.dim(`… and ${total - rows.length} more (--limit)`));
  else if (options.groupBy && rows.length === DEFAULT_LIMIT)
    context.note(context.color.dim(`the first ${DEFAULT_LIMIT} rows (--csv and --json have all)`));
}

/** Columns in which text stands beside values of other types. */
async function mixedColumns(results: Results, names: readonly string[]): Promise<Set<string>> {
  const columns = await results.columns();
  return new Set(names.filter((name) => (columns.find((column) => column.name === name)?.others ?? 0) > 0));
}

async function printGroups(
  results: Results,
  by: readonly string[],
  options: ResultsOptions,
  context: CommandContext,
): Promise<void> {
  const { groupTable, groupsAsJson } = await import('../format/group-table.js');
  if (options.json || options.csv !== undefined) {
    const groups = await results.groupBy(...by).storedStats(options.columns, options.stats);
    if (options.json) {
      const { writeJson } = await import('../format/write-json.js');
      return writeJson(groupsAsJson(groups), context);
    }
    const { writeCsv } = await import('../format/write-csv.js');
    const { columns, rows } = groupTable(groups, await results.resolveColumns(groups.by));
    return writeCsv(columns, [rows], options, context);
  }
  const grouped = results.cutTexts(MAX_SHOWN).groupBy(...by);
  const groups = await grouped.stats(options.columns, options.stats);
  const keys = await results.resolveColumns(groups.by);
  const { groupsWithoutErrors } = await import('../format/rounding-errors.js');
  const { columns, rows } = groupTable(groupsWithoutErrors(groups), keys);
  await printSummaries(columns, rows, groups, 'groups', context);
}

/** A table of groups, and how many are beyond it. */
async function printSummaries(
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  { total, left_out }: { readonly total: number; readonly left_out: number },
  unit: string,
  context: CommandContext,
): Promise<void> {
  if (rows.length > 0) {
    const [{ printCells }, { isMixed, toShown }] = await Promise.all([
      import('../format/table.js'),
      import('../format/shown-cell.js'),
    ]);
    const mixed = columns.map((_, at) => isMixed(rows.map((row) => row[at])));
    printCells(
      columns,
      rows.map((row) => row.map((cell, at) => toShown(cell, mixed[at]!))),
      context,
    );
  } else context.note('no matching runs');
  if (total > rows.length)
    context.note(context.color.dim(`… and ${total - rows.length} more ${unit} (--limit)`));
  if (left_out > 0) context.note(context.color.dim(`${left_out} failed or cancelled runs left out`));
}

async function printPivot(
  results: Results,
  [row = '', column = '']: readonly string[],
  options: ResultsOptions,
  context: CommandContext,
): Promise<void> {
  const metric = await pivotedMetric(results, options.value);
  const [statistic = 'mean', another] = options.stats ?? [];
  if (another) throw pivotError(`--stats ${options.stats}`, 'one statistic');
  const { pivotAsJson, pivotTable } = await import('../format/pivot-table.js');
  if (options.json || options.csv !== undefined) {
    const pivot = await results.storedPivot(row, column, metric, statistic);
    if (options.json) {
      const { writeJson } = await import('../format/write-json.js');
      return writeJson(pivotAsJson(pivot), context);
    }
    const { writeCsv } = await import('../format/write-csv.js');
    const { columns, rows } = pivotTable(pivot);
    return writeCsv(columns, [rows], options, context);
  }
  const pivot = await results.cutTexts(MAX_SHOWN).pivot(row, column, metric, statistic);
  const { pivotWithoutErrors } = await import('../format/rounding-errors.js');
  const { columns, rows } = pivotTable(pivotWithoutErrors(pivot));
  context.note(context.color.dim(`${statistic} of ${metric}; columns: ${pivot.column}`));
  await printSummaries(columns, rows, pivot, 'rows', context);
}

async function pivotedMetric(results: Results, named: string | undefined): Promise<string> {
  if (named !== undefined) return named;
  const metrics = (await results.columns()).filter(({ kind }) => kind === 'metric');
  if (metrics.length === 1) return metrics[0]!.name;
  throw pivotError(
    '--pivot without --value',
    `--value METRIC, one of: ${listNames(metrics.map(({ name }) => name))}`,
  );
}
