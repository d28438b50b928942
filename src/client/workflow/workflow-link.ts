import type { Client } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import {
  CLOSING,
  ENQUEUE_UPDATE,
  type EnqueueReply,
  EXPERIMENT_WORKFLOW,
  type ExperimentInput,
  STATUS_QUERY,
  type SubmissionRequest,
  submissionDocument,
  type WorkflowStatus,
  workflowIdOf,
} from '../../contract/workflow.js';
import type { TemporalConnection } from '../../engine/connect.js';
import type { RequestKey } from '../../engine/request-key.js';
import { ANSWER_WITHIN_MS, askWorkflow, refusalIn, refused, unreachable } from './ask-workflow.js';
import { historyLimit } from './history-limit.js';
import { checkTaskQueue } from './task-queue.js';

/** What identifies an experiment's workflow. */
export interface WorkflowAddress {
  readonly store: { readonly id: string; readonly uri: string };
  readonly experiment_id: string;
}

/** Without a worker, a query is never answered. */
const QUERY_WITHIN_MS = 5_000;

/**
 * Enqueues a submission: starts the experiment's workflow if none is running. Idempotent by submission id; retried
 * if it raced with the workflow's end.
 */
export async function enqueue(
  client: Client,
  { store, experiment_id }: WorkflowAddress,
  unsigned: SubmissionRequest,
  { key, taskQueue }: RequestKey,
  searchAttributes: boolean,
): Promise<EnqueueReply> {
  const { WithStartWorkflowOperation } = await import('@temporalio/client');
  const input: ExperimentInput = {
    store: store.uri,
    experiment_id,
    search_attributes: searchAttributes,
    ...historyLimit(process.env.METALAB_HISTORY_EVENTS),
  };
  const workflowId = workflowIdOf(store.id, experiment_id);
  const signature = key.sign(submissionDocument(workflowId, input, unsigned));
  const request: SubmissionRequest = { ...unsigned, signature };
  await checkTaskQueue(client.workflow.getHandle(workflowId), taskQueue);
  return askWorkflow(
    () => {
      // Created for each try: the object remembers how the last one ended.
      const start = new WithStartWorkflowOperation(EXPERIMENT_WORKFLOW, {
        workflowId,
        taskQueue,
        args: [input],
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        staticSummary: `${experiment_id}`,
        staticDetails: `store: ${store.uri}`,
      });
      return client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
        client.workflow.executeUpdateWithStart<Workflow, EnqueueReply, [SubmissionRequest]>(ENQUEUE_UPDATE, {
          updateId: request.submission,
          args: [request],
          startWorkflowOperation: start,
        }),
      );
    },
    (error) => {
      const refusal = refusalIn(error);
      if (refusal !== undefined && refusal !== CLOSING) throw refused(experiment_id, ENQUEUE_UPDATE, refusal);
    },
  );
}

/** A client for these calls. Only open workflows are queried: a terminated one still answers, as if it were running. */
export async function makeClient({
  connection,
  namespace,
}: Pick<TemporalConnection, 'connection' | 'namespace'>): Promise<Client> {
  const { Client } = await import('@temporalio/client');
  return new Client({ connection, namespace, workflow: { queryRejectCondition: 'NOT_OPEN' } });
}

/** What an experiment's workflow answers; undefined if none runs. */
export async function queryStatus(client: Client, workflowId: string): Promise<WorkflowStatus | undefined> {
  const { QueryRejectedError, WorkflowNotFoundError } = await import('@temporalio/client');
  const handle = client.workflow.getHandle(workflowId);
  try {
    return await client.withDeadline(Date.now() + QUERY_WITHIN_MS, () =>
      handle.query<WorkflowStatus>(STATUS_QUERY),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || error instanceof QueryRejectedError) return undefined;
    // A workflow that has just started has no query handler yet: its status is unknown.
    throw unreachable(error);
  }
}

/** Whether the experiment's latest workflow was terminated, and did not end by itself. */
export async function wasTerminated(
  client: Client,
  { store, experiment_id }: WorkflowAddress,
): Promise<boolean> {
  const handle = client.workflow.getHandle(workflowIdOf(store.id, experiment_id));
  const description = await handle.describe().catch(() => undefined);
  return description?.status.name === 'TERMINATED';
}
