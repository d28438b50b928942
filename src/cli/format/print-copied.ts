import { formatBytes } from '../../definition/format-bytes.js';
import type { FileStore } from '../../storage/file/file-store.js';
import type { CopiedExperiment } from '../../storage/file/transfer/copy-experiment.js';
import type { CommandContext } from '../command.js';
import { formatCount } from './format-number.js';

const PROGRESS_MS = 200;
const MAX_SHOWN = 10;

/** Shows on a terminal how far a transfer is. */
export class TransferProgress {
  readonly #context: CommandContext;
  #current = '';
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  readonly listeners = {
    onExperiment: (id: string): void => {
      this.#current = `${id}: `;
    },
    onProgress: (done: number, total: number): void => {
      const { live } = this.#context;
      if (!live.isTerminal || performance.now() - this.#shownAt < PROGRESS_MS) return;
      this.#shownAt = performance.now();
      const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
      void live.show(`${this.#current}${percent} % of ${formatBytes(total)}`);
    },
  };
}

/** @returns the exit code, if it is not 0 */
export function printCopied(
  copied: readonly CopiedExperiment[],
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
          : `${count(files, 'file')}, ${formatBytes(bytes)} copied${same > 0 ? `, ${count(same, 'file')} as before` : ''}`;
      context.out(`${experiment_id}: ${what}; it has ${count(runs, 'run')}`);
    }
  if (copied.length === 0 && !json) context.out('there are no experiments');
  for (const { experiment_id, conflicts } of copied) noteConflicts(experiment_id, conflicts, context);
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
    `${experiment}: ${count(conflicts.length, 'file')} not copied, and left as they are in both stores:`,
  );
  for (const { path, what } of conflicts.slice(0, MAX_SHOWN)) context.note(`  ${path}: ${what}`);
  if (conflicts.length > MAX_SHOWN)
    context.note(`  … and ${conflicts.length - MAX_SHOWN} more (--json has all)`);
  context.note('  next: metalab store check, of both stores, says which is damaged');
}

const count = (n: number, what: string) => `${formatCount(n)} ${what}${n === 1 ? '' : 's'}`;
