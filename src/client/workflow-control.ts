import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { MetalabError } from '../definition/errors.js';
import {
  type CANCEL_UPDATE,
  type CancelRequest,
  type ControlReply,
  type PAUSE_UPDATE,
  type PauseRequest,
  type RESUME_UPDATE,
  workflowIdOf,
} from '../workflows/contract.js';
import {
  isNotReady,
  NOT_READY_MS,
  racedTheEnd,
  refusalIn,
  refused,
  unreachable,
  type WorkflowAddress,
} from './workflow-link.js';

/** What may be asked of an experiment while it runs. */
export type ControlOrder =
  | { readonly update: typeof CANCEL_UPDATE; readonly request: CancelRequest }
  | { readonly update: typeof PAUSE_UPDATE; readonly request: PauseRequest }
  | { readonly update: typeof RESUME_UPDATE; readonly request: null };

const MOST_TRIES = 20;
const ANSWER_WITHIN_MS = 60_000;

/**
 * Asks the experiment's workflow. Tried again where it raced the workflow's continuing as new.
 *
 * @throws MetalabError METALAB_NOT_RUNNING where no workflow runs, METALAB_REFUSED with the workflow's reason;
 *   InfrastructureError where no server or worker answers
 */
export async function sendControl(
  client: Client,
  { store, experiment_id }: WorkflowAddress,
  order: ControlOrder,
): Promise<ControlReply> {
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  const handle = client.workflow.getHandle(workflowIdOf(store.id, experiment_id));
  const updateId = randomUUID();
  for (let tries = 1, raced = false; ; tries++) {
    try {
      return await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
        handle.executeUpdate<ControlReply, [ControlOrder['request']]>(order.update, {
          updateId,
          args: [order.request],
        }),
      );
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw notRunning(store.uri, experiment_id);
      const refusal = refusalIn(error);
      if (refusal !== undefined) {
        // An earlier try whose answer was lost has done it.
        if (raced) return { submissions: [] };
        throw refused(experiment_id, order.update, refusal);
      }
      const notReady = isNotReady(error);
      if (tries >= MOST_TRIES || !(notReady || racedTheEnd(error))) throw unreachable(error);
      raced ||= !notReady;
      if (notReady) await sleep(NOT_READY_MS);
    }
  }
}

const notRunning = (store: string, experimentId: string) =>
  new MetalabError({
    code: 'METALAB_NOT_RUNNING',
    where: store,
    what: `nothing of ${experimentId} is in progress`,
    next: `metalab status ${experimentId} shows how it ended`,
  });
