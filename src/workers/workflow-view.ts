import { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import type { WorkflowView } from '../activities/dependencies.js';
import { STATUS_QUERY, type WorkflowStatus } from '../workflows/contract.js';

const WITHIN_MS = 2_000;

/** What activities see of their workflow. Where the server does not tell in time, all is as it was. */
export function viewWorkflows(connection: NativeConnection, namespace: string): WorkflowView {
  const client = new Client({ connection, namespace, workflow: { queryRejectCondition: 'NOT_OPEN' } });
  const ask = <T>(question: () => Promise<T>): Promise<T | undefined> =>
    client.withDeadline(Date.now() + WITHIN_MS, question).catch(() => undefined);
  return {
    async mayStart(workflowId) {
      const status = await ask(() =>
        client.workflow.getHandle(workflowId).query<WorkflowStatus>(STATUS_QUERY),
      );
      return status?.current?.phase !== 'paused' && status?.current?.phase !== 'cancelling';
    },
    async wasEnded(workflowId, runId) {
      const description = await ask(() => client.workflow.getHandle(workflowId, runId).describe());
      return description?.status.name === 'TERMINATED' || description?.status.name === 'CANCELLED';
    },
  };
}
