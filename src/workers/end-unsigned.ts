import { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { EXPERIMENT_WORKFLOW, UNSIGNED_QUEUE } from '../contract/workflow.js';

const WITHIN_MS = 10_000;

/**
 * Ends sweeps of an older version, whose requests are not signed: no worker polls their task queue any more, so they
 * would wait for ever. The store then shows them as interrupted, and the next submit reuses what is recorded. Only on
 * the engine's own server: on another one, workers of the older version may still be running.
 */
export async function endUnsignedSweeps(connection: NativeConnection, namespace: string): Promise<void> {
  const client = new Client({ connection, namespace });
  const query = `WorkflowType = '${EXPERIMENT_WORKFLOW}' AND ExecutionStatus = 'Running' AND TaskQueue = '${UNSIGNED_QUEUE}'`;
  await client
    .withDeadline(Date.now() + WITHIN_MS, async () => {
      for await (const { workflowId, runId } of client.workflow.list({ query })) {
        await client.workflow
          .getHandle(workflowId, runId)
          .terminate('an older version of metalab started it, which did not sign requests: submit again')
          // It may have ended meanwhile.
          .catch(() => {});
      }
    })
    // If they can't be listed now, the next worker to start tries again.
    .catch(() => {});
}
