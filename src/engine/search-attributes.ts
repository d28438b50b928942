import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';

/**
 * Attributes by which the Temporal UI can filter and sort experiments. Values: temporal.api.enums.v1.IndexedValueType.
 */
export const SEARCH_ATTRIBUTES = {
  MetalabExperiment: 2,
  MetalabStatus: 2,
  MetalabTotal: 3,
  MetalabDone: 3,
  MetalabFailed: 3,
} as const;

const USABLE_WITHIN_MS = 15_000;

/**
 * Adds the search attributes that a namespace lacks, and waits until workflows may use them.
 *
 * @returns false if they are missing and may not be created: experiments then run without them
 */
export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<boolean> {
  const ensure = async () => {
    const missing = await missingSearchAttributes(connection, namespace);
    if (missing.length === 0) return true;
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, SEARCH_ATTRIBUTES[name]]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    return becomeUsable(connection, namespace);
  };
  return connection.withDeadline(Date.now() + USABLE_WITHIN_MS, ensure).catch(() => false);
}

export type SearchAttribute = keyof typeof SEARCH_ATTRIBUTES;

/** The search attributes that a namespace lacks, or has with another type. */
export async function missingSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<SearchAttribute[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return (Object.keys(SEARCH_ATTRIBUTES) as SearchAttribute[]).filter(
    (name) => customAttributes?.[name] !== SEARCH_ATTRIBUTES[name],
  );
}

/** Servers cache the mapping: until they read it again, a workflow that uses a new attribute is refused. */
async function becomeUsable(connection: Connection, namespace: string): Promise<boolean> {
  const query = Object.entries(SEARCH_ATTRIBUTES)
    .map(([name, type]) => (type === 2 ? `${name} = "none"` : `${name} = -1`))
    .join(' AND ');
  for (const end = performance.now() + USABLE_WITHIN_MS; performance.now() < end; await sleep(200)) {
    try {
      await connection.workflowService.countWorkflowExecutions({ namespace, query });
      return true;
    } catch {}
  }
  return false;
}
