import { stat } from 'node:fs/promises';
import { StoreError, UsageError } from '../../definition/errors.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { storeFile } from '../../storage/file/layout.js';
import {
  type CopiedExperiment,
  type CopyOptions,
  copyExperiment,
} from '../../storage/file/transfer/copy-experiment.js';
import { bringUpToDate, type LaggingIndex } from './bring-up-to-date.js';

export type TransferredExperiment = CopiedExperiment & LaggingIndex;

export interface TransferOptions extends CopyOptions {
  /** Which experiments, by their ids. */
  readonly experiments: readonly string[];
  /** What the target's lease says has it. */
  readonly command: string;
  readonly onExperiment?: (id: string) => void;
}

/**
 * Copies experiments to another store. Nothing there is removed: afterwards it has the runs of both.
 *
 * @throws StoreError where the target is in use, is of another fingerprint scheme, can't be written, or has fewer runs
 *   than the source afterwards; UsageError where both are one store
 */
export async function transferStore(
  from: FileStore,
  to: FileStore,
  options: TransferOptions,
): Promise<TransferredExperiment[]> {
  await refuseSameStore(from, to);
  if (from.scheme !== to.scheme) throw ofOtherScheme(from, to);
  return to.lease.during(options.command, async () => {
    const copied: TransferredExperiment[] = [];
    for (const id of options.experiments) {
      if (options.signal?.aborted) break;
      options.onExperiment?.(id);
      copied.push(await transferExperiment(from, to, id, options));
    }
    return copied;
  });
}

async function transferExperiment(
  from: FileStore,
  to: FileStore,
  id: string,
  options: TransferOptions,
): Promise<TransferredExperiment> {
  const folder = to.experimentFolder(id);
  const copied = await copyExperiment(id, from.experimentFolder(id), folder, options);
  if (options.signal?.aborted) return copied;
  // A sweep may have added runs to the source since.
  if (copied.runs < copied.source_runs && copied.conflicts.length === 0 && !(await from.lease.readLive()))
    throw incomplete(copied, to);
  if (copied.files > 0) {
    const { signal } = options;
    const { is_new, filled_holes } = copied;
    const index_error = await bringUpToDate(to, id, { compact: !is_new, rebuild: filled_holes, signal });
    if (index_error !== undefined) return { ...copied, index_error };
  }
  return copied;
}

async function refuseSameStore(from: FileStore, to: FileStore): Promise<void> {
  const [a, b] = await Promise.all([from, to].map(({ root }) => stat(storeFile(root))));
  if (a!.ino !== b!.ino || a!.dev !== b!.dev) return;
  throw new UsageError({
    code: 'METALAB_COPY_SAME',
    where: to.root,
    what: 'is the store to copy from',
    expected: 'another folder, which is created if missing',
    next: 'name it with --to',
  });
}

const ofOtherScheme = (from: FileStore, to: FileStore) =>
  new StoreError({
    code: 'METALAB_COPY_SCHEME',
    where: to.root,
    what: `its fingerprints are of scheme ${to.scheme}, those of ${from.root} of scheme ${from.scheme}: the same run has another run_id there`,
    expected: 'two stores of one scheme, so that no run is done twice',
    next: 'name another store with --to, or submit the experiment again there',
  });

const incomplete = ({ experiment_id, runs, source_runs }: CopiedExperiment, to: FileStore) =>
  new StoreError({
    code: 'METALAB_COPY_INCOMPLETE',
    where: to.experimentFolder(experiment_id),
    what: `${runs} runs have a record there, ${source_runs} in the source`,
    next: 'metalab store check --store of both says what is damaged; then copy again',
  });
