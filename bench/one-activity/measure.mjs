import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

/** @returns seconds for `runs` activities that each append one record */
export async function measureOneActivityPerRun(temporal, runs, file) {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const connection = await NativeConnection.connect({ address: temporal.address });
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('workflow.mjs', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  const taskQueue = `bench-${process.pid}`;
  const worker = await Worker.create({
    connection,
    namespace: temporal.namespace,
    taskQueue,
    workflowBundle,
    activities: { runOne: async (x) => appendFileSync(file, `${JSON.stringify({ x })}\n`) },
  });
  const client = new Client({ connection, namespace: temporal.namespace });
  const seconds = await worker.runUntil(async () => {
    const began = performance.now();
    await client.workflow.execute('oneActivityPerRun', {
      taskQueue,
      workflowId: taskQueue,
      args: [runs, 100],
    });
    return (performance.now() - began) / 1000;
  });
  await connection.close();
  return seconds;
}
