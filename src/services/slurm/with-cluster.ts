import { InfrastructureError } from '../../definition/errors.js';
import { withLock } from '../../engine/lock.mjs';
import { ExecutionFault } from '../../execution/execution-fault.js';
import { ClusterRetry, type ClusterRetryOptions } from '../../execution/slurm/cluster-retry.js';
import type { Transport } from '../../transport/transport.js';
import type { UpOptions } from '../service-environment.js';

/**
 * Works on a cluster: one at a time on this machine, trying again while its gateway does not answer, until the signal
 * aborts.
 *
 * @param lock a file of this machine
 * @throws InfrastructureError METALAB_CLUSTER if the cluster refuses; the signal's reason; what `work` throws
 */
export function withCluster<T>(
  { lock, transport }: { readonly lock: string; readonly transport: Transport },
  { signal, onProgress }: UpOptions,
  limit: ClusterRetryOptions,
  work: (retry: ClusterRetry) => Promise<T>,
): Promise<T> {
  return withLock(lock, async () => {
    signal.throwIfAborted();
    const retry = new ClusterRetry(transport, {
      ...limit,
      onWaits: (waits) => waits !== null && onProgress(waits),
      signal: {
        onStop(listener) {
          const stop = () => listener('yield');
          signal.addEventListener('abort', stop);
          return () => signal.removeEventListener('abort', stop);
        },
      },
    });
    try {
      return await work(retry);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw error instanceof ExecutionFault ? clusterError(transport.place, error) : error;
    } finally {
      retry.close();
    }
  });
}

const clusterError = (place: string, cause: ExecutionFault) =>
  new InfrastructureError(
    {
      code: 'METALAB_CLUSTER',
      where: place,
      what: cause.message,
      next: 'metalab env check NAME looks at the cluster step by step',
    },
    { cause },
  );
