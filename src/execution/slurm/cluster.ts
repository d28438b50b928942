import type { Resources } from '../../config/resolved-config.js';
import type { Transport } from '../../transport/transport.js';
import type { ClusterRetry } from './cluster-retry.js';
import { SubmitLimiter } from './job/limiter.js';
import { QueuePoller } from './queue/poller.js';
import { type ClusterLimits, readLimits } from './submit/limits/limits.js';

/** Limits change rarely, and a submission that a new limit refuses is retried. */
const LIMITS_MS = 10 * 60_000;

type Place = Pick<Resources, 'partition' | 'account' | 'qos'>;

/** What all arrays of a cluster share in this process: the queue poller, and the order of submissions. */
export class Cluster {
  readonly transport: Transport;
  readonly queue: QueuePoller;
  readonly limiter: SubmitLimiter;
  readonly #limits = new Map<string, { readonly readAt: number; readonly limits: ClusterLimits }>();

  constructor(transport: Transport) {
    this.transport = transport;
    this.queue = new QueuePoller(transport);
    this.limiter = new SubmitLimiter(this.queue);
  }

  async limits(place: Place, retry: ClusterRetry): Promise<ClusterLimits> {
    const key = JSON.stringify([place.partition, place.account, place.qos]);
    const known = this.#limits.get(key);
    if (known && performance.now() - known.readAt < LIMITS_MS) return known.limits;
    const limits = await readLimits(retry.ask, place);
    this.#limits.set(key, { readAt: performance.now(), limits });
    return limits;
  }

  close(): void {
    this.queue.close();
  }
}

const clusters = new Map<string, { readonly cluster: Cluster; users: number }>();

/**
 * Environments with the same gateway and user share it, whatever else they contain: limits are per user, not per
 * environment.
 *
 * @returns the cluster, and a function that releases it; the last release closes it
 */
export function shareCluster(transport: Transport): {
  readonly cluster: Cluster;
  readonly release: () => void;
} {
  const { place } = transport;
  const shared = clusters.get(place) ?? { cluster: new Cluster(transport), users: 0 };
  clusters.set(place, shared);
  shared.users++;
  let released = false;
  return {
    cluster: shared.cluster,
    release() {
      if (released) return;
      released = true;
      if (--shared.users > 0) return;
      clusters.delete(place);
      shared.cluster.close();
    },
  };
}
