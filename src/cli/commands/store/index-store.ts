import { UsageError } from '../../../definition/errors.js';
import type { CommandDefinition, CommonOptions } from '../../command.js';

interface IndexOptions extends CommonOptions {
  readonly rebuild?: boolean;
}

export const indexCommand: CommandDefinition<IndexOptions> = {
  name: 'index',
  summary: 'bring the index in PostgreSQL up to date with the files',
  description: `Workers do it by themselves while sweeps run on a store whose uri names an index. This does the same by hand: it reads
what was written since the last time, and makes schema and tables where there are none. The files stay as they are.`,
  arguments: [
    {
      name: 'exp',
      description: 'experiment, by any unambiguous prefix of its id (default: all of them)',
      optional: true,
    },
  ],
  options: [{ flags: '--rebuild', description: 'delete what the index has, and read everything again' }],
  examples: [
    {
      line: 'store index --store "postgresql://me@db/lab?file_root=/data/lab"',
      does: 'index a store, then: psql -c \'SELECT * FROM metalab."pi_mc:0.1"\' lab',
    },
    { line: 'store index pi_mc --rebuild', does: 'one experiment of the configured store, from scratch' },
  ],
  store: true,
  json: true,
  async run({ exp }, { json, rebuild = false }, context) {
    const [{ resolveExperiment }, { indexStore }, { showProgress }, { formatBytes }] = await Promise.all([
      import('../../../client/resolve/resolve-experiment.js'),
      import('../../../storage/postgresql/index-store.js'),
      import('../../progress/show-progress.js'),
      import('../../../definition/format-bytes.js'),
    ]);
    const store = await context.store();
    if (!store.index)
      throw new UsageError({
        code: 'METALAB_STORE_INDEX',
        where: store.uri,
        what: 'the store has no index',
        expected: `--store "postgresql://USER@HOST/DATABASE?file_root=${store.root}"`,
      });
    const experiments = exp === undefined ? undefined : [await resolveExperiment(store, exp)];
    const indexed = await indexStore(store, store.index, experiments, {
      rebuild,
      signal: context.interrupted,
      ...showProgress(context),
    });
    context.live.clear();
    if (json) context.out(JSON.stringify(indexed));
    else
      for (const { experiment_id, records, bytes } of indexed)
        context.out(
          `${experiment_id}: ${records} ${records === 1 ? 'record' : 'records'} read, ${formatBytes(bytes)}`,
        );
    for (const { experiment_id, left_out } of indexed)
      if (left_out > 0)
        context.note(
          `${experiment_id}: ${left_out} params and metrics have no column in its view, since PostgreSQL allows 1,600; they are in runs.params, runs.metrics and runs.derived`,
        );
    return context.interrupted.aborted ? 130 : undefined;
  },
};
