import { locationAt } from '../location-at.js';
import type { ServiceHandle, ServiceStatus } from '../service.js';
import type { ClusterJob } from './read-jobs.js';

/** A job without a heartbeat for this long may have lost its node. Its script writes one every 5 s. */
const SILENT_S = 60;

/** What is known of a job's services. `over`: Slurm says that it does not run any more. */
export function handlesOf(job: ClusterJob, over: boolean): ServiceHandle[] {
  const ended = over || job.ended !== undefined;
  const host = job.host ?? '';
  return (job.plan?.services ?? []).map(({ provides, restarts, ...service }) => ({
    ...service,
    host,
    status: statusOf(job, service.name, ended),
    process_id: ended ? null : jobOf(job),
    since: ended ? null : (job.ready.get(service.name) ?? null),
    restarts: restarts + (job.restarts.get(service.name) ?? 0),
    provides: job.host === undefined ? provides : atNode(provides, host, service.port),
  }));
}

const jobOf = ({ id, until }: ClusterJob) =>
  id === undefined ? null : { job: id, ...(until === undefined ? {} : { until }) };

function statusOf({ ready, all, silent_s }: ClusterJob, name: string, ended: boolean): ServiceStatus {
  if (ended) return 'stopped';
  if (!ready.has(name)) return all ? 'unreachable' : 'starting';
  return silent_s !== undefined && silent_s > SILENT_S ? 'unreachable' : 'running';
}

const atNode = (provides: ServiceHandle['provides'], host: string, port: number) =>
  provides.map(({ kind, value }) => ({ kind, value: locationAt(value, { host, port }) }));
