import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTE_TYPES, type SearchAttribute } from '../../definition/search-attributes.js';

/** temporal.api.enums.v1.IndexedValueType */
const TYPE_CODES = { Keyword: 2, Int: 3 } as const;

const codeOf = (name: SearchAttribute) => TYPE_CODES[SEARCH_ATTRIBUTE_TYPES[name]];

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
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, codeOf(name)]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    return becomeUsable(connection, namespace);
  };
  return connection.withDeadline(Date.now() + USABLE_WITHIN_MS, ensure).catch(() => false);
}

/** The search attributes that a namespace lacks, or has with another type. */
export async function missingSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<SearchAttribute[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return (Object.keys(SEARCH_ATTRIBUTE_TYPES) as SearchAttribute[]).filter(
    (name) => customAttributes?.[name] !== codeOf(name),
  );
}

/** Servers cache the mapping: until they read it again, a workflow that uses a new attribute is refused. */
async function becomeUsable(connection: Connection, namespace: string): Promise<boolean> {
  const query = Object.entries(SEARCH_ATTRIBUTE_TYPES)
    .map(([name, type]) => (type === 'Keyword' ? `${name} = "none"` : `${name} = -1`))
    .join(' AND ');
  for (const end = performance.now() + USABLE_WITHIN_MS; performance.now() < end; await sleep(200)) {
    try {
      await connection.workflowService.countWorkflowExecutions({ namespace, query });
      return true;
    } catch {}
  }
  return false;
}
