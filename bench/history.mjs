import { Client, Connection } from '@temporalio/client';

/** @returns how many events the longest history of a workflow's runs has, and the bytes of their largest payload */
export async function measureHistory({ address, namespace }, workflowId) {
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection, namespace });
    const histories = [];
    for await (const { runId } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` }))
      histories.push((await client.workflow.getHandle(workflowId, runId).fetchHistory()).events);
    return {
      events: Math.max(...histories.map((events) => events.length)),
      largestPayload: Math.max(...histories.map(largestPayload)),
    };
  } finally {
    await connection.close();
  }
}

function largestPayload(value) {
  if (typeof value !== 'object' || value === null) return 0;
  if (value instanceof Uint8Array) return value.length;
  return Math.max(0, ...Object.values(value).map(largestPayload));
}
