import type { CommandDefinition } from '../../command.js';

export const compactCommand: CommandDefinition = {
  name: 'compact',
  summary: "write an experiment's runs and series as Parquet, for fast reading",
  description: `Workers do it by themselves after each submission. runs/runs.parquet has one row a run: its final record, with params.x
and metrics.y as typed columns. series/series.parquet has one row a point of a learning curve: run_id, name, step, value.
DuckDB, pandas and polars read both. They are caches: all of it is in the segments, and they may be deleted.`,
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
