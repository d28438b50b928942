import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { InfrastructureError, MetalabError } from '../definition/errors.js';
import type { TemporalConnection } from '../engine/connect.js';
import {
  CLOSING,
  CONTROL_QUEUE,
  ENQUEUE_UPDATE,
  type EnqueueReply,
  EXPERIMENT_WORKFLOW,
  REFUSED,
  STATUS_QUERY,
  type SubmissionRequest,
  type WorkflowStatus,
  workflowIdOf,
} from '../workflows/contract.js';
import type { ExperimentInput } from '../workflows/experiment-workflow.js';

/** What of a store and an experiment names its workflow. */
export interface WorkflowAddress {
  readonly store: { readonly id: string; readonly uri: string };
  readonly experiment_id: string;
}

const MOST_TRIES = 20;
/** One chunk takes six or seven. */
const LEAST_EVENTS = 50;
export const NOT_READY_MS = 500;
const ENQUEUE_WITHIN_MS = 60_000;
/** With no worker there, a query is answered by nobody. */
const QUERY_WITHIN_MS = 5_000;

/**
 * Enqueues a submission: starts the experiment's workflow where none runs. Idempotent by the submission's id; tried again
 * where it raced the workflow's end.
 */
export async function enqueue(
  client: Client,
  { store, experiment_id }: WorkflowAddress,
  request: SubmissionRequest,
  searchAttributes: boolean,
): Promise<EnqueueReply> {
  const { WithStartWorkflowOperation } = await import('@temporalio/client');
  const input: ExperimentInput = {
    store: store.uri,
    experiment_id,
    search_attributes: searchAttributes,
    ...historyLimit(process.env.METALAB_HISTORY_EVENTS),
  };
  for (let tries = 1; ; tries++) {
    const start = new WithStartWorkflowOperation(EXPERIMENT_WORKFLOW, {
      workflowId: workflowIdOf(store.id, experiment_id),
      taskQueue: CONTROL_QUEUE,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `${experiment_id}`,
      staticDetails: `store: ${store.uri}`,
    });
    try {
      return await client.withDeadline(Date.now() + ENQUEUE_WITHIN_MS, () =>
        client.workflow.executeUpdateWithStart<Workflow, EnqueueReply, [SubmissionRequest]>(ENQUEUE_UPDATE, {
          updateId: request.submission,
          args: [request],
          startWorkflowOperation: start,
        }),
      );
    } catch (error) {
      const refusal = refusalIn(error);
      const closing = refusal === CLOSING;
      if (refusal !== undefined && !closing) throw refused(experiment_id, ENQUEUE_UPDATE, refusal);
      const notReady = closing || isNotReady(error);
      if (tries >= MOST_TRIES || !(notReady || racedTheEnd(error))) throw unreachable(error);
      if (notReady) await sleep(NOT_READY_MS);
    }
  }
}

/** For servers with lower limits than Temporal's own, and for tests that want many workflow runs. */
const historyLimit = (text: string | undefined): Pick<ExperimentInput, 'most_events'> =>
  text && Number(text) >= LEAST_EVENTS ? { most_events: Number(text) } : {};

/** A client for these calls. A workflow that was terminated still answers queries, as if it ran: only an open one is asked. */
export async function makeClient({
  connection,
  namespace,
}: Pick<TemporalConnection, 'connection' | 'namespace'>): Promise<Client> {
  const { Client } = await import('@temporalio/client');
  return new Client({ connection, namespace, workflow: { queryRejectCondition: 'NOT_OPEN' } });
}

/** What the experiment's workflow answers; undefined where none runs. */
export async function queryStatus(
  client: Client,
  { store, experiment_id }: WorkflowAddress,
): Promise<WorkflowStatus | undefined> {
  const { QueryNotRegisteredError, QueryRejectedError, WorkflowNotFoundError } = await import(
    '@temporalio/client'
  );
  const handle = client.workflow.getHandle(workflowIdOf(store.id, experiment_id));
  try {
    return await client.withDeadline(Date.now() + QUERY_WITHIN_MS, () =>
      handle.query<WorkflowStatus>(STATUS_QUERY),
    );
  } catch (error) {
    const none = [WorkflowNotFoundError, QueryRejectedError, QueryNotRegisteredError];
    if (none.some((kind) => error instanceof kind)) return undefined;
    throw unreachable(error);
  }
}

/** Whether the experiment's latest workflow was terminated by somebody, not by its own end. */
export async function wasTerminated(
  client: Client,
  { store, experiment_id }: WorkflowAddress,
): Promise<boolean> {
  const handle = client.workflow.getHandle(workflowIdOf(store.id, experiment_id));
  const description = await handle.describe().catch(() => undefined);
  return description?.status.name === 'TERMINATED';
}

/**
 * A task of the workflow has just failed, and the server tries it again: so it is for the first two seconds after search
 * attributes were made, which each service of a production server learns of by itself.
 */
export function isNotReady(error: unknown): boolean {
  const text = `${error} ${error instanceof Error ? String(error.cause ?? '') : ''}`;
  return /workflow task failure|workflow task in failed state/i.test(text);
}

/** Why the workflow's validator refused an update; undefined where the failure is another. */
export function refusalIn(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'type' in cause && cause.type === REFUSED ? cause.message : undefined;
}

export const refused = (experimentId: string, update: string, reason: string) =>
  new MetalabError({
    code: 'METALAB_REFUSED',
    where: experimentId,
    what: `${update} was refused: ${reason}`,
    next: `metalab status ${experimentId} shows where it stands`,
  });

/** The workflow ended between accepting an update and answering it: nothing was enqueued, and a new one can be started. */
export function racedTheEnd(error: unknown): boolean {
  const text = `${error} ${error instanceof Error ? String(error.cause ?? '') : ''}`;
  return /completed|already closed|not found|closing|aborted/i.test(text) && !/deadline/i.test(text);
}

export function unreachable(error: unknown): InfrastructureError {
  const message =
    error instanceof Error
      ? error.cause instanceof Error
        ? error.cause.message
        : error.message
      : String(error);
  return new InfrastructureError(
    {
      code: 'METALAB_TEMPORAL',
      what: `Temporal did not do what was asked: ${message}`,
      next: 'metalab doctor',
    },
    { cause: error },
  );
}
