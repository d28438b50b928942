import { UsageError } from '../../definition/errors.js';
import type { compareRuns } from '../../results/compare/compare-runs.js';
import { MAX_COMPARED } from '../../results/compare/max-compared.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';
import { wholeNumber } from '../parse-options.js';
import type { parseCondition, parseSort } from '../parse-query.js';
import { ALL_OPTION, SORT_OPTION, WHERE_OPTION } from '../results-options.js';
import { withResults } from '../with-results.js';

interface CompareOptions extends CommonOptions {
  readonly where?: readonly ReturnType<typeof parseCondition>[];
  readonly sort?: ReturnType<typeof parseSort>;
  readonly limit?: number;
  readonly all?: boolean;
  readonly showEqual?: boolean;
}

export const compareCommand: CommandDefinition<CompareOptions> = {
  name: 'compare',
  summary: 'show what differs between runs',
  description: `Params, seeds, code, context, metrics, derived metrics, environment, provenance and git commit of 2 to 10 runs: only what is not
the same in all of them. Numbers are followed by their difference and ratio to the first run's. The last value of a series is the
metric of its name. Runs may be of different experiments.`,
  arguments: [
    {
      name: 'run',
      description:
        'runs, by any unambiguous prefixes of their run_ids; or one experiment, of which --where, --sort and --limit choose runs',
      variadic: true,
    },
  ],
  options: [
    WHERE_OPTION,
    SORT_OPTION,
    {
      flags: '--limit <n>',
      description: 'only the first runs',
      parse: wholeNumber('--limit', 1, MAX_COMPARED),
    },
    ALL_OPTION,
    { flags: '--show-equal', description: 'show what is the same in all runs, too' },
  ],
  examples: [
    { line: 'compare 3f9a b3ba', does: 'what differs between two runs' },
    { line: 'compare search --sort loss --limit 3', does: 'the three runs with the least loss' },
    {
      line: 'compare pi_mc --all --where samples=100000 --where replicate=0',
      does: 'the same run by older and newer code',
    },
    { line: "compare 3f9a b3ba --json | jq '.facts[].name'", does: 'as data' },
  ],
  store: true,
  json: true,
  async run({ run = '' }, options, context, words) {
    if (words.length > 1) await compareNamed(words, options, context);
    else await compareChosen(run, options, context).catch(refuseSingleRun);
    return undefined;
  },
};

async function compareNamed(
  names: readonly string[],
  options: CompareOptions,
  context: CommandContext,
): Promise<void> {
  const { where, sort, limit, all } = options;
  if (where || sort || limit !== undefined || all)
    throw new UsageError({
      code: 'METALAB_COMPARE',
      what: `--where, --sort, --limit and --all choose runs of an experiment, and ${names.length} runs are named`,
      expected: 'one of both',
    });
  const [{ resolveStoredRuns }, { StoredRun }] = await Promise.all([
    import('../../client/resolve/resolve-run.js'),
    import('../../results/stored-run.js'),
  ]);
  const store = await context.resultsStore();
  const stored = await resolveStoredRuns(store, names);
  // Derived metrics are read with all else of a run that is compared.
  const runs = stored.map((found) => new StoredRun(store, { ...found, derived: {} }));
  await print(runs, options, context);
}

async function compareChosen(exp: string, options: CompareOptions, context: CommandContext): Promise<void> {
  const { sort = [], limit = Number.POSITIVE_INFINITY } = options;
  await withResults(exp, options, context, async (results) => {
    const total = await results.count();
    if (Math.min(total, limit) > MAX_COMPARED || total < 2)
      throw new UsageError({
        code: 'METALAB_COMPARE',
        where: results.experiment,
        what: `${total === 1 ? '1 run matches' : `${total} runs match`}`,
        expected: `2 to ${MAX_COMPARED} runs`,
        next:
          total < 2
            ? 'loosen --where, or add --all: runs of older declarations'
            : "choose some: --where 'lr<0.1', or --sort loss --limit 3",
      });
    await print(
      results
        .sort(...sort)
        .limit(Math.min(total, limit))
        .runs(),
      options,
      context,
    );
  });
}

async function print(
  runs: Parameters<typeof compareRuns>[0],
  { json, showEqual = false }: CompareOptions,
  context: CommandContext,
): Promise<void> {
  const { compareRuns } = await import('../../results/compare/compare-runs.js');
  const { comparisonAsJson, printComparison } = await import('../format/comparison.js');
  const comparison = await compareRuns(runs);
  const facts = comparison.facts.filter(({ differs }) => differs || showEqual);
  if (json) {
    const { writeJson } = await import('../format/write-json.js');
    await writeJson(comparisonAsJson({ ...comparison, facts }), context);
  } else printComparison({ ...comparison, facts }, context);
}

/** A single run is taken for an experiment. */
function refuseSingleRun(error: unknown): never {
  if (!(error instanceof UsageError) || error.code !== 'METALAB_UNKNOWN_PREFIX') throw error;
  const { code, what, expected = '' } = error;
  throw new UsageError({ code, what, expected, next: 'to compare runs, name at least two' });
}
