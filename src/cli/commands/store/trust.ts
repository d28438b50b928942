import type { CommandDefinition, CommonOptions } from '../../command.js';

interface TrustFlags extends CommonOptions {
  readonly remove?: boolean;
}

export const trustCommand: CommandDefinition<TrustFlags> = {
  name: 'trust',
  summary: 'use a store that other users can change',
  description: `Whoever can write to a store can have workers execute code as you. Stores that others than you, root and (after
chmod g+ws) their group can change are refused, unless they are named here. Kept in METALAB_HOME, so it counts for every
worker of yours that has it.`,
  options: [{ flags: '--remove', description: 'stop trusting it' }],
  examples: [
    { line: 'store trust --store /data/lab', does: 'execute its content, whoever wrote it' },
    { line: 'store trust --store /data/lab --remove', does: 'no longer' },
  ],
  store: true,
  async run(_, options, context) {
    const [{ trustStore }, { stateFolder }, { pathOf }] = await Promise.all([
      import('../../../access/trusted-stores.js'),
      import('../../../access/own-folders.js'),
      import('../../../storage/location.js'),
    ]);
    const root = pathOf(await context.location());
    trustStore(stateFolder(), root, !options.remove);
    context.out(
      options.remove ? `${root} is no longer trusted` : `${root} is trusted, whoever can change it`,
    );
    return undefined;
  },
};
