import type { CommandContext, CommandDefinition, CommonOptions } from '../../command.js';
import { EXIT } from '../../format/report-error.js';

interface DownFlags extends CommonOptions {
  readonly orphans?: boolean;
}

export const downCommand: CommandDefinition<DownFlags> = {
  name: 'down',
  summary: 'end the services of an environment; their data is kept',
  description: `Ends them in reverse order, also if their configuration is gone, and confirms that each has ended. Works from
any folder of the project.`,
  options: [
    {
      flags: '--orphans',
      description: 'end services of projects and environments that do not exist any more, and nothing else',
    },
  ],
  examples: [
    { line: 'services down', does: 'the next up has the same data' },
    { line: 'services down --orphans', does: 'what projects left that were moved or removed' },
  ],
  env: true,
  async run(_, options, context) {
    if (options.orphans) return downOrphans(context);
    const [{ ServicesClient }, { placeOfCommand, readTail }, { findOrder }, { folderOf }, { printProblem }] =
      await Promise.all([
        import('../../../client/services/services-client.js'),
        import('../../services/open-place.js'),
        import('../../../services/order-file.js'),
        import('../../../services/place.js'),
        import('../../services/print-services.js'),
      ]);
    const { place } = await placeOfCommand(context);
    if (!findOrder(folderOf(place))) {
      context.out('nothing was running');
      return undefined;
    }
    const client = await ServicesClient.open(place, { say: (line) => context.note(line) });
    try {
      const { problem } = await client.down();
      if (problem) {
        await printProblem(problem, (service) => readTail(place, service), context);
        return EXIT.failure;
      }
      context.out('all services are down; their data is kept');
      return undefined;
    } finally {
      await client.close();
    }
  },
};

async function downOrphans(context: CommandContext): Promise<number | undefined> {
  const { endOrphans } = await import('../../../client/services/end-orphans.js');
  const ended = await endOrphans({ say: (line) => context.note(line) });
  for (const { place, why, problem } of ended)
    context.out(
      `${problem === null ? 'ended' : 'could not end'} the services of ${place.project}, ${place.environment} (${why})${problem === null ? '' : `: ${problem}`}`,
    );
  if (ended.length === 0) context.out('there are none');
  return ended.every(({ problem }) => problem === null) ? undefined : EXIT.failure;
}
