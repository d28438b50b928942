import type { CleanedExperiment } from '../../../execution/slurm/clean/clean-spool.js';
import type { CommandDefinition, CommonOptions } from '../../command.js';
import { EXIT } from '../../format/report-error.js';

interface CleanCommandOptions extends CommonOptions {
  readonly lostStores?: boolean;
  readonly cancel?: boolean;
  readonly discard?: boolean;
  readonly dryRun?: boolean;
}

export const cleanCommand: CommandDefinition<CleanCommandOptions> = {
  name: 'clean',
  summary: "remove an environment's spool from the cluster, once the store has its records",
  description: `Of each experiment at rest, everything is brought into the store (artifacts too) and compared byte for byte, then removed
from file_root. What is in progress, has jobs in Slurm's queue, or is not the same in both places, is left. Exit code 1 where
something was left.`,
  arguments: [{ name: 'name', description: 'environment' }],
  options: [
    { flags: '--dry-run', description: 'remove nothing; show what would be removed, and its size' },
    {
      flags: '--cancel',
      description:
        'cancel queued jobs that no workflow manages any more, wait until they have ended, then remove',
    },
    {
      flags: '--discard',
      description: 'do not fetch artifacts: those that are only on the cluster are lost',
    },
    {
      flags: '--lost-stores',
      description:
        'also remove experiments that other stores submitted, if those stores are lost or no longer used',
    },
  ],
  examples: [
    { line: 'env clean cluster --dry-run', does: 'what would be removed, and its size' },
    { line: 'env clean cluster', does: 'free space there; the store keeps everything' },
  ],
  json: true,
  async run({ name }, options, context) {
    const [{ ProjectConfig }, { cleanEnvironment }, { createTerminalPrompter }, { formatBytes }] =
      await Promise.all([
        import('../../../config/project-config.js'),
        import('../../../client/cluster/clean-environment.js'),
        import('../../terminal/terminal-prompter.js'),
        import('../../../definition/format-bytes.js'),
      ]);
    const { environment } = (await ProjectConfig.load()).resolve(name);
    const cleaned: CleanedExperiment[] = [];
    for await (const found of cleanEnvironment(environment, options, createTerminalPrompter())) {
      cleaned.push(found);
      if (!options.json) context.out(formatCleaned(found, formatBytes));
    }
    if (options.json) context.out(JSON.stringify(cleaned));
    else if (cleaned.length === 0) context.note('there is nothing to remove');
    const isGone = ({ removed, would_remove = removed }: CleanedExperiment) => would_remove;
    return cleaned.every(isGone) ? undefined : EXIT.failure;
  },
};

function formatCleaned(
  { experiment_id, removed, would_remove, size_bytes, bytes, why }: CleanedExperiment,
  formatBytes: (bytes: number) => string,
): string {
  const size = formatBytes(size_bytes);
  if (would_remove) return `would remove ${experiment_id} (${size})`;
  const fetched = bytes > 0 ? `, after ${formatBytes(bytes)} of records were fetched` : '';
  if (removed) return `removed ${experiment_id} (${size})${fetched}`;
  return `${would_remove === undefined ? 'left' : 'would leave'} ${experiment_id} (${size}): ${why}`;
}
