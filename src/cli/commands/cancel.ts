import type { CommandDefinition, CommonOptions } from '../command.js';
import { EXIT } from '../format/report-error.js';

interface CancelFlags extends CommonOptions {
  readonly reason?: string;
  readonly detach?: boolean;
}

export const cancelCommand: CommandDefinition<CancelFlags> = {
  name: 'cancel',
  summary: "end an experiment's sweep, and those queued behind it",
  description: `Starts no further run. Operations in progress hear of it through their AbortSignal and have 5 s to end; then their
slot is ended. What is recorded stays; cancelled and missing runs are done by the next submit or retry.`,
  arguments: [{ name: 'exp', description: 'experiment, by any unambiguous prefix of its id' }],
  options: [
    { flags: '--reason <text>', description: 'why; recorded in the outcome' },
    { flags: '--detach', description: "don't wait for its end" },
  ],
  examples: [
    { line: 'cancel pi_mc', does: 'cancel it, and wait for its end' },
    { line: 'cancel pi_mc --reason "wrong range"', does: 'record why' },
  ],
  store: true,
  json: true,
  async run({ exp }, options, context) {
    const [{ resolveExperiment }, { connect }, { printOutcome }, { createTerminalPrompter }] =
      await Promise.all([
        import('../../client/resolve/resolve-experiment.js'),
        import('../../client/connect.js'),
        import('../submit/report-outcome.js'),
        import('../terminal/terminal-prompter.js'),
      ]);
    const experiment = await resolveExperiment(await context.store(), exp!);
    const lab = await connect({ say: (line) => context.note(line) });
    try {
      const handles = await lab.cancel(experiment, {
        store: await context.location(),
        prompter: createTerminalPrompter(),
        ...(options.reason !== undefined && { reason: options.reason }),
      });
      context.note(`cancelling ${experiment}: runs in progress have a few seconds to end …`);
      if (options.detach) return undefined;
      const { interrupted } = context;
      for (const handle of handles) {
        const outcome = await handle.outcome({ signal: interrupted }).catch((error: unknown) => {
          if (interrupted.aborted) return undefined;
          throw error;
        });
        if (!outcome) {
          context.note(`detached: ${experiment} is being cancelled all the same`);
          context.note(`  ${context.command(`status ${experiment}`)} shows when it has ended`);
          return EXIT.detached;
        }
        printOutcome(handle, outcome, options, context);
      }
      return undefined;
    } finally {
      await lab.close();
    }
  },
};
