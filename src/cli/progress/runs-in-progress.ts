import type { RunInProgress } from '../../client/status/runs-in-progress.js';
import { formatDuration } from '../../definition/format-duration.js';
import type { CommandContext } from '../command.js';
import { printTable } from '../format/table.js';

const MAX_RUNS = 20;
/** Characters of a run's id: practically unique in a store, and accepted by other commands. */
const ID_CHARACTERS = 12;

export function printRunsInProgress(
  runs: readonly RunInProgress[],
  context: Pick<CommandContext, 'out' | 'note' | 'color' | 'width'>,
): void {
  const replicated = runs.some(({ replicate }) => replicate > 0);
  const told = runs.some(({ progress }) => progress !== null);
  const now = Date.now();
  context.out('');
  printTable(
    runs.slice(0, MAX_RUNS).map(({ run_id, started_at, progress, params, replicate }) => {
      const own = {
        'in progress': run_id.slice(0, ID_CHARACTERS),
        for: formatDuration(Math.max(0, now - Date.parse(started_at))),
        ...(told ? { at: progress === null ? '' : `${Math.round(progress * 100)} %` } : {}),
        ...(replicated ? { replicate } : {}),
      };
      // As `results` names them.
      const named = Object.entries(params).map(([name, value]) => [
        name in own ? `params.${name}` : name,
        value,
      ]);
      return { ...own, ...Object.fromEntries(named) };
    }),
    context,
  );
  if (runs.length > MAX_RUNS) context.note(context.color.dim(`and ${runs.length - MAX_RUNS} more`));
}
