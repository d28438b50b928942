import type { TransferredExperiment } from '../../client/store/transfer-store.js';
import { formatBytes } from '../../definition/format-bytes.js';
import { countOf } from '../../definition/format-count.js';
import type { FileStore } from '../../storage/file/file-store.js';
import type { CopiedExperiment } from '../../storage/file/transfer/copy-experiment.js';
import type { CommandContext } from '../command.js';

const MAX_SHOWN = 10;

/** @returns the exit code, if it is not 0 */
export function printCopied(
  copied: readonly TransferredExperiment[],
  { json, target }: { readonly json?: boolean; readonly target: FileStore },
  context: CommandContext,
): number | undefined {
  context.live.clear();
  if (json) context.out(JSON.stringify({ store: target.uri, experiments: copied }));
  else
    for (const experiment of copied) {
      const { experiment_id, files, bytes, same, runs } = experiment;
      const what =
        files === 0
          ? 'nothing is new'
          : `${countOf(files, 'file')}, ${formatBytes(bytes)} copied${same > 0 ? `, ${countOf(same, 'file')} as before` : ''}`;
      context.out(`${experiment_id}: ${what}; it has ${countOf(runs, 'run')}`);
    }
  if (copied.length === 0 && !json) context.out('there are no experiments');
  for (const { experiment_id, conflicts } of copied) noteConflicts(experiment_id, conflicts, context);
  const lagging = copied.find(({ index_error }) => index_error !== undefined);
  if (lagging) context.note(`the index lags: ${lagging.index_error}; later: metalab store index`);
  if (context.interrupted.aborted) return 130;
  return copied.some(({ conflicts }) => conflicts.length > 0) ? 1 : undefined;
}

function noteConflicts(
  experiment: string,
  conflicts: CopiedExperiment['conflicts'],
  context: CommandContext,
): void {
  if (conflicts.length === 0) return;
  context.note(
    `${experiment}: ${countOf(conflicts.length, 'file')} not copied, and left as they are in both stores:`,
  );
  for (const { path, what } of conflicts.slice(0, MAX_SHOWN)) context.note(`  ${path}: ${what}`);
  if (conflicts.length > MAX_SHOWN)
    context.note(`  … and ${conflicts.length - MAX_SHOWN} more (--json has all)`);
  context.note('  next: metalab store check, of both stores, says which is damaged');
}
