import type { ExperimentSummary } from '../../results/summaries.js';
import type { CommandDefinition } from '../command.js';

export const listCommand: CommandDefinition = {
  name: 'list',
  summary: 'list the experiments of a store, with their numbers of runs',
  description: 'Runs are those of the latest code and context; `older` counts those of earlier ones.',
  examples: [
    { line: 'list', does: 'every experiment, the one submitted last first' },
    { line: 'list --store /data/lab --json', does: 'another store, as data' },
  ],
  store: true,
  json: true,
  async run(_args, options, context) {
    const { summarizeExperiments } = await import('../../results/summaries.js');
    const store = await context.resultsStore();
    const summaries = await summarizeExperiments(store);
    if (options.json) context.out(JSON.stringify(summaries));
    else if (summaries.length === 0) context.note(`nothing was submitted to ${store.uri} yet`);
    else (await import('../format/table.js')).printTable(summaries.map(row), context);
    const { warnOfDamage } = await import('../format/warn-of-damage.js');
    for (const { damaged, experiment_id } of summaries) warnOfDamage(damaged, context, experiment_id);
    return undefined;
  },
};

const row = ({
  experiment_id,
  cells: total,
  runs,
  older,
  submissions,
  last_submitted_at,
}: ExperimentSummary) => ({
  experiment: experiment_id,
  runs: total,
  success: runs.success,
  failed: runs.failed,
  cancelled: runs.cancelled,
  older,
  submissions,
  'last submitted': last_submitted_at?.replace(/\.\d+Z$/, 'Z'),
});
