import type { CommandDefinition, CommonOptions } from '../../command.js';
import { EXIT } from '../../report-error.js';

interface CleanCommandOptions extends CommonOptions {
  readonly lostStores?: boolean;
}

export const cleanCommand: CommandDefinition<CleanCommandOptions> = {
  name: 'clean',
  summary: "remove from a cluster what the store has: an environment's spool",
  description: `Of each experiment at rest, everything is brought into the store (artifacts too) and compared byte for byte, then removed
from file_root. What is in progress, or not the same in both places, is left. Exit code 1 where something was left.`,
  arguments: [{ name: 'name', description: 'environment' }],
  options: [
    {
      flags: '--lost-stores',
      description: 'also experiments to which other stores submitted, which are lost or at rest for good',
    },
  ],
  examples: [{ line: 'env clean cluster', does: 'make room there; the store keeps everything' }],
  json: true,
  async run({ name }, options, context) {
    const [{ ProjectConfig }, { cleanEnvironment }, { wordBytes }] = await Promise.all([
      import('../../../config/project-config.js'),
      import('../../clean-environment.js'),
      import('../../progress/words.js'),
    ]);
    const { environment } = (await ProjectConfig.load()).resolve(name);
    const cleaned = [];
    for await (const found of cleanEnvironment(environment, { lostStores: options.lostStores })) {
      cleaned.push(found);
      const { experiment_id, removed, bytes, why } = found;
      const fetched = bytes > 0 ? `, after ${wordBytes(bytes)} of records were fetched` : '';
      if (!options.json)
        context.out(removed ? `removed ${experiment_id}${fetched}` : `left ${experiment_id}: ${why}`);
    }
    if (options.json) context.out(JSON.stringify(cleaned));
    else if (cleaned.length === 0) context.note('there is nothing to remove');
    return cleaned.every(({ removed }) => removed) ? undefined : EXIT.failure;
  },
};
