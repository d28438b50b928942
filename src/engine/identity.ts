import { hostname } from 'node:os';
import type { Connection } from '@temporalio/client';
import type { TemporalTarget } from './connect.js';

const WITHIN_MS = 5_000;
/** gRPC's codes for a request that is not permitted, and for one that the server does not have. */
const [PERMISSION_DENIED, UNIMPLEMENTED] = [7, 12];

/** Identifies this engine, for the leases of stores. */
export interface EngineIdentity {
  /** The namespace's id, assigned by its server; null if the server does not permit asking. */
  readonly engine: string | null;
  readonly address: string;
  readonly namespace: string;
  /** This machine's name. */
  readonly host: string;
}

/** @throws the server's error, unless it only says that asking is not permitted */
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
