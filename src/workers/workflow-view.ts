import { Client, type ConnectionLike } from '@temporalio/client';
import type { WorkflowView } from '../activities/ports.js';
import { CHUNK_SIGNAL, STATUS_QUERY, WORKER_SIGNAL, type WorkflowStatus } from '../contract/workflow.js';
import { SharedReadings } from '../definition/shared-readings.js';

const WITHIN_MS = 2_000;

/** What activities see of their workflow. */
export function viewWorkflows(connection: ConnectionLike, namespace: string): WorkflowView {
  const readings = new SharedReadings<WorkflowStatus | undefined>();
  const client = new Client({ connection, namespace, workflow: { queryRejectCondition: 'NOT_OPEN' } });
  const ask = <T>(question: () => Promise<T>): Promise<T | undefined> =>
    client.withDeadline(Date.now() + WITHIN_MS, question).catch(() => undefined);
  const signal = async (workflowId: string, name: string, notice: unknown): Promise<boolean> => {
    const heard = await ask(() =>
      client.workflow
        .getHandle(workflowId)
        .signal(name, notice)
        .then(() => true),
    );
    return heard ?? false;
  };
  return {
    async current(workflowId, maxAgeMs = 0) {
      const query = () => client.workflow.getHandle(workflowId).query<WorkflowStatus>(STATUS_QUERY);
      const status = await readings.get(workflowId, maxAgeMs, () => ask(query));
      return status?.current;
    },
    announce: (workflowId, notice) => signal(workflowId, WORKER_SIGNAL, notice),
    tell: (workflowId, notice) => signal(workflowId, CHUNK_SIGNAL, notice),
    async wasEnded(workflowId, runId) {
      const description = await ask(() => client.workflow.getHandle(workflowId, runId).describe());
      return description?.status.name === 'TERMINATED' || description?.status.name === 'CANCELLED';
    },
  };
}
