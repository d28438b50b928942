import type { CommandDefinition } from '../command.js';

export const attachCommand: CommandDefinition = {
  name: 'attach',
  summary: 'follow a submitted sweep, from anywhere',
  description: `Follows the latest submission of EXP until it ends; prints its outcome if it has ended. From any machine that
reaches the same Temporal server and store. Ctrl-C detaches. Exit codes as for submit.`,
  arguments: [{ name: 'exp', description: 'experiment, by any unambiguous prefix of its id' }],
  examples: [
    { line: 'attach pi_mc', does: 'follow it again' },
    { line: 'attach pi_mc --json | tail -n 1 | jq', does: 'wait for its outcome, as one JSON line' },
  ],
  store: true,
  json: true,
  async run({ exp }, options, context) {
    const [{ resolveExperiment }, { connect }, { followToOutcome }] = await Promise.all([
      import('../../client/resolve/resolve-experiment.js'),
      import('../../client/connect.js'),
      import('../submit/follow-to-outcome.js'),
    ]);
    const experiment = await resolveExperiment(await context.store(), exp!);
    const lab = await connect({ say: (line) => context.note(line) });
    try {
      const handle = await lab.attach(experiment, { store: await context.location() });
      return await followToOutcome(handle, options, context);
    } finally {
      await lab.close();
    }
  },
};
