import { hostname } from 'node:os';
import type { Connection } from '@temporalio/client';
import type { TemporalTarget } from './connect.js';

const WITHIN_MS = 5_000;
/** gRPC's codes for what may not be asked, and for what isn't there to be asked. */
const [PERMISSION_DENIED, UNIMPLEMENTED] = [7, 12];

/** Which engine this is, for the leases of stores. */
export interface EngineIdentity {
  /** The namespace's id, which its server gave it: null where it may not be asked. */
  readonly engine: string | null;
  readonly address: string;
  readonly namespace: string;
  /** This machine's name. */
  readonly host: string;
}

/** @throws what the server answers, where that is not only that it may not be asked */
export async function engineIdentity(
  connection: Pick<Connection, 'workflowService' | 'withDeadline'>,
  { address, namespace }: Pick<TemporalTarget, 'address' | 'namespace'>,
): Promise<EngineIdentity> {
  const engine = await connection
    .withDeadline(Date.now() + WITHIN_MS, () => connection.workflowService.describeNamespace({ namespace }))
    .then(
      ({ namespaceInfo }) => namespaceInfo?.id || null,
      (error: { readonly code?: unknown }) => {
        if (error.code === PERMISSION_DENIED || error.code === UNIMPLEMENTED) return null;
        throw error;
      },
    );
  return { engine, address, namespace, host: hostname() };
}
