import { temporalClient } from '../support/engine-status.js';

/** All texts of all histories of an engine: one string for each workflow. */
export async function textsOfHistories(env: NodeJS.ProcessEnv): Promise<string[]> {
  const client = await temporalClient(env);
  const texts: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list())
    texts.push(textsOf(await client.workflow.getHandle(workflowId, runId).fetchHistory()));
  return texts;
}

/** Payloads are bytes. */
function textsOf(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.values(value).map(textsOf).join('\n');
}
