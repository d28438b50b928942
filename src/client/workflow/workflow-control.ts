import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import {
  type CANCEL_UPDATE,
  type CancelRequest,
  type ControlReply,
  controlDocument,
  type PAUSE_UPDATE,
  type PauseRequest,
  type RESUME_UPDATE,
  type ResumeRequest,
  workflowIdOf,
} from '../../contract/workflow.js';
import { MetalabError } from '../../definition/errors.js';
import type { RequestKey } from '../../engine/request-key.js';
import { ANSWER_WITHIN_MS, askWorkflow, refusalIn, refused } from './ask-workflow.js';
import { checkTaskQueue } from './task-queue.js';
import type { WorkflowAddress } from './workflow-link.js';

export type WorkflowUpdate =
  | { readonly update: typeof CANCEL_UPDATE; readonly request: CancelRequest }
  | { readonly update: typeof PAUSE_UPDATE; readonly request: PauseRequest }
  | { readonly update: typeof RESUME_UPDATE; readonly request: ResumeRequest };

/**
 * Sends a request to the experiment's workflow. Retried if it raced with the workflow's continuing as new.
 *
 * @throws MetalabError METALAB_NOT_RUNNING if no workflow runs, METALAB_REFUSED with the workflow's reason;
 *   InfrastructureError where no server or worker answers
 */
export async function sendControl(
  client: Client,
  { store, experiment_id }: WorkflowAddress,
  update: WorkflowUpdate,
  { key, taskQueue }: RequestKey,
): Promise<ControlReply> {
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  const workflowId = workflowIdOf(store.id, experiment_id);
  const handle = client.workflow.getHandle(workflowId);
  const updateId = randomUUID();
  const signature = key.sign(controlDocument(workflowId, update.update, update.request));
  await checkTaskQueue(handle, taskQueue);
  return askWorkflow(
    () =>
      client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
        handle.executeUpdate<ControlReply, [WorkflowUpdate['request']]>(update.update, {
          updateId,
          args: [{ ...update.request, signature }],
        }),
      ),
    (error, raced) => {
      if (error instanceof WorkflowNotFoundError) throw notRunning(store.uri, experiment_id);
      const refusal = refusalIn(error);
      if (refusal === undefined) return undefined;
      // An earlier try succeeded, but its answer was lost.
      if (raced) return { submissions: [] };
      throw refused(experiment_id, update.update, refusal);
    },
  );
}

export const isNotRunning = (error: unknown): boolean =>
  error instanceof MetalabError && error.code === 'METALAB_NOT_RUNNING';

const notRunning = (store: string, experimentId: string) =>
  new MetalabError({
    code: 'METALAB_NOT_RUNNING',
    where: store,
    what: `nothing of ${experimentId} is in progress`,
    next: `metalab status ${experimentId} shows how it ended`,
  });
