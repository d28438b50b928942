import type { SlurmEnvironment } from '../../../config/resolved-config.js';
import { MetalabError } from '../../../definition/errors.js';
import { submissionFolder } from '../../../storage/file/layout.js';
import type { Transport } from '../../../transport/transport.js';
import type { SubmissionPlace } from '../../batch-executor.js';
import { askOnce, withinMinutes } from '../ask-once.js';
import { shareCluster } from '../cluster.js';
import { SubmissionCollector } from '../collect/submission-collector.js';
import { type FoundSpool, findSpool } from '../spool/find-spool.js';
import { experimentFolderIn } from '../spool/spool-layout.js';
import { StateFile } from '../spool/state-file.js';
import { endArrays, endJobs } from './end-arrays.js';

/** Whether a cluster may still have parts of a submission. */
export const isLeftOnCluster = async ({ folder, submission }: SubmissionPlace): Promise<boolean> =>
  (await new StateFile(folder, submission).read()).open;

/**
 * Ends what a submission left on a cluster, for somebody at a terminal; no workflow does it. What was recorded is
 * fetched. If the spool is gone, the jobs that the store knows of are ended all the same.
 *
 * @throws TransportError, InfrastructureError if the cluster can't be reached, or does not end them
 */
export async function endSubmission(
  transport: Transport,
  { file_root }: SlurmEnvironment,
  { folder, experiment_id, submission }: SubmissionPlace,
): Promise<void> {
  const state = new StateFile(folder, submission);
  const { spool: known, jobs, over } = await state.read();
  const spool = await findSpoolOf(transport, file_root, known?.id);
  const { cluster, release } = shareCluster(transport);
  try {
    await withinMinutes(transport, async (retry) => {
      if (spool) {
        const there = experimentFolderIn(spool.root, experiment_id);
        const place = { root: spool.root, id: spool.id, folder: there };
        const collector = new SubmissionCollector(transport, folder, place, submission);
        const ending = { spool: submissionFolder(there, submission), queue: cluster.queue, collector, state };
        return endArrays(ending, retry);
      }
      const left = Object.entries(jobs).filter(([token]) => !over.includes(token));
      await endJobs(
        left.map(([token, job]) => ({ token, job })),
        retry,
      );
      await state.change(() => ({ open: false, over: [...new Set([...over, ...Object.keys(jobs)])] }));
    });
  } finally {
    release();
  }
}

/** @returns undefined if its folder is gone, or belongs to another store now */
async function findSpoolOf(
  transport: Transport,
  fileRoot: string,
  id: string | undefined,
): Promise<FoundSpool | undefined> {
  try {
    const found = await findSpool(transport, askOnce(transport), fileRoot);
    return found && (id === undefined || found.id === id) ? found : undefined;
  } catch (error) {
    if (error instanceof MetalabError && error.code === 'METALAB_FILE_ROOT') return undefined;
    throw error;
  }
}
