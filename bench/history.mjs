import { Client, Connection } from '@temporalio/client';

/** @returns how many events a workflow's history has, and the bytes of its largest payload */
export async function measureHistory({ address, namespace }, workflowId) {
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection, namespace });
    const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
    return { events: events.length, largestPayload: largestPayload(events) };
  } finally {
    await connection.close();
  }
}

function largestPayload(value) {
  if (typeof value !== 'object' || value === null) return 0;
  if (value instanceof Uint8Array) return value.length;
  return Math.max(0, ...Object.values(value).map(largestPayload));
}
