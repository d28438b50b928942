import type { Condition } from '../results/query/conditions.js';
import type { Results } from '../results/results.js';
import type { CommandContext } from './command.js';

/** Opens the results of an experiment, warns of what is damaged in them, and closes them when they have been used. */
export async function withResults(
  exp: string,
  { all = false, where = [] }: { readonly all?: boolean; readonly where?: readonly Condition[] },
  context: CommandContext,
  use: (results: Results) => Promise<void>,
): Promise<void> {
  const [{ resolveExperiment }, { resultsOf }, { warnOfDamage }] = await Promise.all([
    import('../client/resolve/resolve-experiment.js'),
    import('../results/open.js'),
    import('./format/warn-of-damage.js'),
  ]);
  const store = await context.resultsStore();
  const results = resultsOf(store, await resolveExperiment(store, exp));
  try {
    warnOfDamage(await (all ? results.all() : results).damaged(), context);
    await use((all ? results.all() : results).matching(where));
  } finally {
    await results.close();
  }
}
