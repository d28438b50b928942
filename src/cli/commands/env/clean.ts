import type { CommandDefinition } from '../../command.js';
import { EXIT } from '../../report-error.js';

export const cleanCommand: CommandDefinition = {
  name: 'clean',
  summary: "remove from a cluster what the store has: an environment's spool",
  description: `Of each experiment at rest, everything is brought into the store (artifacts too) and compared byte for byte, then removed
from file_root. What is in progress, or not the same in both places, is left. Exit code 1 where something was left.`,
  arguments: [{ name: 'name', description: 'environment' }],
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
    for await (const found of cleanEnvironment(environment)) {
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
