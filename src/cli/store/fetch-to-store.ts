import type { RunRecord } from '../../definition/record.js';
import type { Store } from '../../storage/store.js';
import type { CommandContext, CommonOptions } from '../command.js';

/** A run_id or its beginning; anything else is an experiment's id. */
const RUN = /^[0-9a-f]{4,32}$/;
/** How many missing artifacts are named. */
const NAMED = 3;

/**
 * Fetches all missing artifacts of a run, or of all runs of an experiment with any code and context, into the store.
 *
 * @returns the exit code: 1 if some can't be found
 */
export async function fetchToStore(
  store: Store,
  prefix: string,
  options: CommonOptions,
  context: CommandContext,
): Promise<number | undefined> {
  const [{ bringArtifacts }, { createTerminalPrompter }] = await Promise.all([
    import('../../client/cluster/bring-artifacts.js'),
    import('../terminal/terminal-prompter.js'),
  ]);
  const asked = await recordsOf(store, prefix);
  try {
    const { brought, here, missing } = await bringArtifacts(store, asked.experiment, asked.records, {
      prompter: createTerminalPrompter(),
      say: (line) => context.note(line),
    });
    if (options.json) context.out(JSON.stringify({ brought, here, missing }));
    else context.note(`${brought} artifacts fetched, ${here} were in the store`);
    if (missing.length === 0) return undefined;
    const names = missing.slice(0, NAMED).map(({ name, content_hash }) => `${name} (${content_hash})`);
    context.note(
      `${missing.length} artifacts are neither in the store nor, undamaged, on the cluster, such as ${names.join(', ')}`,
    );
    return 1;
  } finally {
    asked.close();
  }
}

async function recordsOf(store: Store, prefix: string) {
  const { resolveExperiment } = await import('../resolve/resolve-experiment.js');
  const experiments = await store.experiments();
  if (RUN.test(prefix) && !experiments.some((id) => id.startsWith(prefix))) {
    const { resolveRun } = await import('../resolve/resolve-run.js');
    const record = await resolveRun(store, prefix);
    return { experiment: record.experiment_id, records: only(record), close: () => {} };
  }
  const experiment = await resolveExperiment(store, prefix);
  const { openResults } = await import('../../results/results.js');
  const results = await openResults(store, experiment, { all: true });
  return { experiment, records: results.records(), close: () => results.close() };
}

async function* only(record: RunRecord): AsyncIterable<RunRecord> {
  yield record;
}
