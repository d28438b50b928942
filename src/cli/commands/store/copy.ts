import { UsageError } from '../../../definition/errors.js';
import type { CommandDefinition } from '../../command.js';
import {
  NO_ARTIFACTS_OPTION,
  NO_LOGS_OPTION,
  SOME_EXPERIMENTS_OPTION,
  type TransferFlags,
} from '../../transfer-options.js';

interface CopyFlags extends TransferFlags {
  readonly from?: string;
  readonly to?: string;
}

export const copyCommand: CommandDefinition<CopyFlags> = {
  name: 'copy',
  summary: 'copy experiments to another store, or merge two stores',
  description: `Nothing in the other store is removed: afterwards it has the runs of both. Every file that is written is read again and compared by
its hash, and the runs are counted. Stopped or killed, it goes on when it is run again; run once more, it copies what is new. Of a
file that both have with different content, neither is changed, and it is named. A store that a sweep writes to can be
copied: what it adds later comes with the next copy. Not copied: quarantine/, and values of environment
variables.

Exit codes: 0 all is there; 1 some files differ; 3 the other store is in use.`,
  options: [
    { flags: '--from <store>', description: 'the store to copy from (default: that of --store)' },
    { flags: '--to <store>', description: 'the store to copy to; it is made if there is none' },
    SOME_EXPERIMENTS_OPTION,
    NO_ARTIFACTS_OPTION,
    NO_LOGS_OPTION,
  ],
  examples: [
    { line: 'store copy --to /backup/experiments', does: 'all of the store' },
    {
      line: 'store copy --from /mnt/laptop/experiments --to ./experiments --experiment pi_mc',
      does: 'one experiment of another store',
    },
    {
      line: 'store copy --to "postgresql://me@db/lab?file_root=/data/lab"',
      does: 'to a store with an index, which is brought up to date',
    },
  ],
  store: true,
  json: true,
  async run(_, options, context) {
    const [{ openFolder }, { transferStore }, { resolveExperiments }, { printCopied }, { showProgress }] =
      await Promise.all([
        import('../../../client/open-location.js'),
        import('../../../client/store/transfer-store.js'),
        import('../../../client/resolve/resolve-experiment.js'),
        import('../../format/print-copied.js'),
        import('../../progress/show-progress.js'),
      ]);
    const { to } = options;
    if (to === undefined)
      throw new UsageError({
        code: 'METALAB_OPTION',
        where: '--to',
        what: 'the store to copy to is not named',
        expected: '--to STORE: a path or a uri',
      });
    const from = options.from === undefined ? await context.store() : await openFolder(options.from);
    const experiments = await resolveExperiments(from, options.experiment);
    const target = await openFolder(to, { create: true });
    const { artifacts = true, logs = true } = options;
    const copied = await transferStore(from, target, {
      experiments,
      artifacts,
      logs,
      command: 'metalab store copy',
      signal: context.interrupted,
      ...showProgress(context),
    });
    return printCopied(copied, { ...options, target }, context);
  },
};
