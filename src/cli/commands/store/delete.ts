import { UsageError } from '../../../definition/errors.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../../command.js';
import type { parseCondition } from '../../parse-query.js';
import { ALL_OPTION, WHERE_OPTION } from '../../results-options.js';

interface DeleteFlags extends CommonOptions {
  readonly experiment?: string;
  readonly where?: readonly ReturnType<typeof parseCondition>[];
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export const deleteCommand: CommandDefinition<DeleteFlags> = {
  name: 'delete',
  summary: 'delete runs: their records, series, data, logs and derived metrics',
  description: `Runs are named by prefixes of their run_ids, or chosen by conditions as in metalab results. The next submit of the
experiment does them again. Their artifacts are then no longer needed: metalab store gc removes them. Asks first, or needs
--yes. Refused while an engine uses the store.`,
  arguments: [
    {
      name: 'run',
      description: 'prefixes of run_ids, at least 4 characters',
      optional: true,
      variadic: true,
    },
  ],
  options: [
    {
      flags: '--experiment <exp>',
      description: 'with --where: the experiment, by a prefix of its id (default: the only one)',
    },
    WHERE_OPTION,
    ALL_OPTION,
    { flags: '--dry-run', description: 'show what would be deleted; delete nothing' },
    { flags: '--yes', description: 'do not ask' },
  ],
  examples: [
    { line: 'store delete 3f2a9c 90bc11', does: 'these two' },
    {
      line: "store delete --experiment pi_mc --where 'samples<1000'",
      does: 'those of the latest declaration that match',
    },
    {
      line: 'store delete --experiment pi_mc --where status=failed --all --yes',
      does: 'every failed run, of older code too',
    },
  ],
  store: true,
  json: true,
  async run(_, options, context, words) {
    const { deleteRunsOf } = await import('../../../client/store/delete-runs.js');
    const { countOf } = await import('../../../definition/format-count.js');
    const store = await context.store();
    const runs = await chooseRuns(words, options, context);
    const total = [...runs.values()].reduce((sum, ids) => sum + ids.size, 0);
    const what = [...runs].map(([id, ids]) => `${countOf(ids.size, 'run')} of ${id}`);
    const { dryRun = false, json = false } = options;
    if (total === 0 || dryRun) {
      if (json) context.out(JSON.stringify({ store: store.uri, dry_run: dryRun, runs: asLists(runs) }));
      else context.out(total === 0 ? 'no run matches' : `${what.join(', ')} would be deleted`);
      return undefined;
    }
    if (!options.yes && !(await isConfirmed(what.join(', ')))) return 1;
    const deleted = await deleteRunsOf(store, runs);
    if (json)
      context.out(JSON.stringify({ store: store.uri, dry_run: dryRun, runs: asLists(runs), ...deleted }));
    else
      context.out(
        `deleted ${what.join(', ')}: ${countOf(deleted.records, 'record')}, ${countOf(deleted.lines, 'other line')}`,
      );
    if (deleted.index_error !== undefined)
      context.note(`the index lags: ${deleted.index_error}; later: metalab store index`);
    if (!json) context.note('metalab store gc removes artifacts that are no longer needed');
    return undefined;
  },
};

const asLists = (runs: ReadonlyMap<string, ReadonlySet<string>>) =>
  Object.fromEntries([...runs].map(([id, ids]) => [id, [...ids]]));

/** @returns run_ids by experiment. @throws UsageError unless runs are named or chosen by conditions */
async function chooseRuns(
  prefixes: readonly string[],
  { experiment, where = [], all }: DeleteFlags,
  context: CommandContext,
): Promise<Map<string, Set<string>>> {
  const runs = new Map<string, Set<string>>();
  if (prefixes.length > 0 && (where.length > 0 || experiment !== undefined))
    throw wrongChoice('runs are named, and chosen by --where or --experiment', 'one of both');
  if (prefixes.length > 0) {
    const { resolveStoredRuns } = await import('../../../client/resolve/resolve-run.js');
    for (const { record } of await resolveStoredRuns(await context.resultsStore(), prefixes)) {
      const { experiment_id, run_id } = record;
      runs.set(experiment_id, (runs.get(experiment_id) ?? new Set()).add(run_id));
    }
    return runs;
  }
  if (where.length === 0)
    throw wrongChoice('no runs are named', 'RUN…, or --experiment EXP --where CONDITION');
  const [{ withResults }, { resolveExperiment }] = await Promise.all([
    import('../../with-results.js'),
    import('../../../client/resolve/resolve-experiment.js'),
  ]);
  const store = await context.resultsStore();
  const [only = '', ...others] = await store.experiments();
  if (experiment === undefined && others.length > 0)
    throw wrongChoice('the store has several experiments', '--experiment EXP');
  const id = await resolveExperiment(store, experiment ?? only);
  await withResults(id, { where, ...(all && { all }) }, context, async (results) => {
    const ids = new Set<string>();
    for await (const batch of results.select('run_id').batches())
      for (const { run_id } of batch) ids.add(String(run_id));
    if (ids.size > 0) runs.set(id, ids);
  });
  return runs;
}

const wrongChoice = (what: string, expected: string) =>
  new UsageError({ code: 'METALAB_OPTION', where: 'store delete', what, expected });

async function isConfirmed(what: string): Promise<boolean> {
  const { confirm } = await import('../../terminal/confirm.js');
  const answer = await confirm(`delete ${what}?`);
  if (answer !== undefined) return answer;
  throw new UsageError({
    code: 'METALAB_NOT_CONFIRMED',
    where: 'store delete',
    what: `${what} would be deleted, and there is no terminal to ask on`,
    expected: '--yes, or --dry-run to see it only',
  });
}
