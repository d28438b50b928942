import type { CommandDefinition } from '../../command.js';
import {
  NO_ARTIFACTS_OPTION,
  NO_LOGS_OPTION,
  SOME_EXPERIMENTS_OPTION,
  type TransferFlags,
} from '../../transfer-options.js';

interface ExportFlags extends TransferFlags {
  readonly force?: boolean;
}

export const exportStoreCommand: CommandDefinition<ExportFlags> = {
  name: 'export',
  summary: 'write experiments to one file, to keep or to send',
  description: `A tar of the store's files, compressed as the name says: .tar.zst, .tar.gz, or .tar. metalab store import reads it; unpacked
by tar it is a store. The file appears when it is complete. What is left out is as for store copy.`,
  arguments: [{ name: 'file', description: 'the file to write' }],
  options: [
    SOME_EXPERIMENTS_OPTION,
    NO_ARTIFACTS_OPTION,
    NO_LOGS_OPTION,
    { flags: '--force', description: 'replace a file that is there' },
  ],
  examples: [
    { line: 'store export experiments.tar.zst', does: 'all of the store' },
    { line: 'store export pi.tar.gz --experiment pi_mc --no-logs', does: 'one experiment, without its logs' },
  ],
  store: true,
  json: true,
  async run({ file = '' }, options, context) {
    const [
      { exportStore },
      { resolveExperiments },
      { showProgress },
      { formatBytes },
      { formatCount },
      { stat },
    ] = await Promise.all([
      import('../../../client/store/export-store.js'),
      import('../../../client/resolve/resolve-experiment.js'),
      import('../../progress/show-progress.js'),
      import('../../../definition/format-bytes.js'),
      import('../../../definition/format-count.js'),
      import('node:fs/promises'),
    ]);
    const store = await context.store();
    const experiments = await resolveExperiments(store, options.experiment);
    const { artifacts = true, logs = true, force = false } = options;
    const exported = exportStore(
      store,
      { target: file, option: file, force },
      {
        experiments,
        artifacts,
        logs,
        signal: context.interrupted,
        ...showProgress(context),
      },
    );
    const archived = await exported.catch((error: unknown) => {
      if (!context.interrupted.aborted) throw error;
    });
    context.live.clear();
    if (!archived) return 130;
    const { size } = await stat(file);
    if (options.json) context.out(JSON.stringify({ file, experiments, ...archived, archive_bytes: size }));
    else {
      const { files, bytes } = archived;
      context.out(
        `${file}: ${formatBytes(size)}, of ${formatCount(files)} files and ${formatBytes(bytes)} of ${experiments.join(', ')}`,
      );
    }
    return undefined;
  },
};
