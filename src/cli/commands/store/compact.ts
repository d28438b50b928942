import type { CommandDefinition } from '../../command.js';

export const compactCommand: CommandDefinition = {
  name: 'compact',
  summary: "write an experiment's runs to runs/runs.parquet, for fast reading",
  description: `Workers do it by themselves after larger submissions. The file has one row a run: its final record, every field a column
(params and metrics as JSON, and as columns params.x and metrics.y), readable by DuckDB, pandas and polars. It is a cache:
all of it is in the segments, and it may be deleted.`,
  arguments: [
    {
      name: 'exp',
      description: 'experiment, by any unambiguous prefix of its id (default: all of them)',
      optional: true,
    },
  ],
  examples: [
    { line: 'store compact', does: 'every experiment of the store' },
    { line: 'store compact pi_mc', does: 'one of them' },
  ],
  store: true,
  json: true,
  async run({ exp }, options, context) {
    const { compactExperiments } = await import('../../../client/store/compact-experiments.js');
    const { warnOfDamage } = await import('../../format/warn-of-damage.js');
    const compacted = await compactExperiments(await context.store(), exp, context.interrupted);
    if (options.json) context.out(JSON.stringify(compacted));
    else {
      for (const { experiment_id, result, runs, file } of compacted)
        context.out(`${experiment_id}: ${runs === null ? result : `${runs} runs in ${file}`}`);
    }
    for (const { damaged, experiment_id } of compacted) warnOfDamage(damaged, context, experiment_id);
    return context.interrupted.aborted ? 130 : undefined;
  },
};
