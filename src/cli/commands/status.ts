import type { SweepStatus } from '../../client/status/sweep-status.js';
import type { CommandContext, CommandDefinition } from '../command.js';
import { formatBatches } from '../progress/batches.js';
import { formatBest, formatSameError } from '../progress/objective.js';
import { formatLost, formatStatus } from '../progress/status.js';

export const statusCommand: CommandDefinition = {
  name: 'status',
  summary: 'show which runs are done, running and pending',
  description: `total = success + failed + cancelled + running + pending, always. Without EXP: every experiment of the store.
With it, also the runs that have been going for over a second: their ids are what \`logs --follow\` takes.
Works without a server too: then it tells what the store knows. Where the store has an index in PostgreSQL, it tells how many
lines of records, curves and data that does not have yet.`,
  arguments: [
    { name: 'exp', description: 'experiment, by any unambiguous prefix of its id', optional: true },
  ],
  examples: [
    { line: 'status', does: 'every experiment of the store' },
    { line: 'status pi_mc', does: 'one of them' },
    { line: 'status pi_mc --json | jq .pending', does: 'for scripts' },
  ],
  store: true,
  json: true,
  async run({ exp }, options, context) {
    const [
      { readStatuses },
      { runsInProgress },
      { printTable },
      { printRunsInProgress },
      { resolveExperiment },
      { readIndexState },
    ] = await Promise.all([
      import('../../client/status/read-statuses.js'),
      import('../../client/status/runs-in-progress.js'),
      import('../format/table.js'),
      import('../progress/runs-in-progress.js'),
      import('../../client/resolve/resolve-experiment.js'),
      import('../../client/status/index-state.js'),
    ]);
    const store = await context.store();
    const ids = exp === undefined ? await store.experiments() : [await resolveExperiment(store, exp)];
    const { statuses, unreachable } = await readStatuses(store, ids);
    const [one] = exp === undefined ? [] : statuses;
    const running = one ? await runsInProgress(store, one) : [];
    const index = await readIndexState(store, ids);
    const withIndex = (status: SweepStatus) => ({ ...status, ...index?.of(status.experiment_id) });
    if (options.json)
      context.out(
        JSON.stringify(
          exp === undefined
            ? statuses.map(withIndex)
            : one
              ? { ...withIndex(one), in_progress: running }
              : null,
        ),
      );
    else if (statuses.length === 0) context.out(`nothing was submitted to ${store.uri} yet`);
    else
      printTable(
        statuses.map((status) => row(status)),
        context,
      );
    if (options.json) return undefined;
    explain(statuses, unreachable, context);
    for (const line of index?.lines ?? []) context.note(context.color.dim(line));
    if (running.length > 0) printRunsInProgress(running, context);
    return undefined;
  },
};

function row(status: SweepStatus) {
  const { experiment_id: experiment, state, total, success, failed, cancelled, running, pending } = status;
  return { experiment, state, total, success, failed, cancelled, running, pending };
}

function explain(
  statuses: readonly SweepStatus[],
  unreachable: string | undefined,
  { note, color }: CommandContext,
): void {
  for (const status of statuses) {
    const { experiment_id } = status;
    for (const told of [formatSameError(status), formatBest(status)])
      if (told) note(`${experiment_id}: ${told}`);
    const why = formatStatus(status);
    if (why) note(color.yellow(`${experiment_id}: ${why}`));
    if (status.queued > 0)
      note(
        `${experiment_id}: ${status.queued === 1 ? 'one more submission is' : `${status.queued} more submissions are`} queued behind it`,
      );
    const lost = formatLost(status);
    if (lost) note(color.yellow(`${experiment_id}: ${lost}`));
    const words = formatBatches(status.batches);
    if (words) note(color.dim(`${experiment_id}: ${words}`));
  }
  if (unreachable) note(color.dim(`(no Temporal server was asked: ${unreachable})`));
}
