import type { CommandDefinition } from '../../command.js';
import { SOME_EXPERIMENTS_OPTION, type TransferFlags } from '../../transfer-options.js';

export const importCommand: CommandDefinition<TransferFlags> = {
  name: 'import',
  summary: 'bring what an exported file has to the store',
  description: `What the store has stays: afterwards it has the runs of both, as after store copy. The file is unpacked in the store's folder
first, and verified: of one that is cut off or damaged nothing is imported. The store is made if there is none.

Exit codes: 0 all is there; 1 some files differ; 3 the store is in use.`,
  arguments: [{ name: 'file', description: 'what metalab store export wrote' }],
  options: [SOME_EXPERIMENTS_OPTION],
  examples: [
    { line: 'store import experiments.tar.zst', does: 'all that it has' },
    { line: 'store import pi.tar.gz --store /data/experiments', does: 'into another store' },
  ],
  store: true,
  json: true,
  async run({ file = '' }, options, context) {
    const [{ importArchive }, { TransferProgress, printCopied }] = await Promise.all([
      import('../../../client/store/import-archive.js'),
      import('../../format/print-copied.js'),
    ]);
    const target = await context.store({ create: true });
    const copied = await importArchive(file, target, {
      experiments: options.experiment,
      artifacts: true,
      logs: true,
      signal: context.interrupted,
      ...new TransferProgress(context).listeners,
    });
    return printCopied(copied, { ...options, target }, context);
  },
};
