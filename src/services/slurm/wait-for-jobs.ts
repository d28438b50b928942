import type { ClusterRetry } from '../../execution/slurm/cluster-retry.js';
import { isConclusive } from '../../execution/slurm/queue/states.js';
import type { TaskStatus } from '../../execution/slurm/queue/watched-job.js';
import type { Transport } from '../../transport/transport.js';
import type { UpOptions } from '../service-environment.js';
import { ServiceError } from '../service-error.js';
import { type ClusterFiles, outputFile } from './cluster-files.js';
import type { JobControl } from './job-control.js';
import { PORT_TAKEN } from './job-script.js';
import { type ClusterJob, readJobs } from './read-jobs.js';
import { readTail } from './remote-log.js';

/** How often a job's files are read while waiting for it; less and less often while it is in the queue. */
const LOOK_MS = 500;
const MAX_LOOK_MS = 5_000;
const LOOK_GROWTH = 1.4;

/** Where jobs are waited for. */
interface Place {
  readonly control: JobControl;
  readonly transport: Transport;
  readonly files: ClusterFiles;
  readonly retry: ClusterRetry;
}

/**
 * Waits until all services of a job are ready. Its time in the queue has no limit.
 *
 * @returns 'taken' if a port was in use on the node: the job has ended
 * @throws ServiceError if one does not get ready, or the job ends
 */
export async function untilReady(
  waited: ClusterJob,
  place: Place,
  { onProgress }: UpOptions,
): Promise<ClusterJob | 'taken'> {
  const { control, files, retry } = place;
  let told = '';
  let interval = LOOK_MS;
  for (let endedAt: number | undefined; ; await retry.sleep(interval)) {
    retry.check();
    const found = (await readJobs(retry.ask, files)).find(({ number }) => number === waited.number);
    const job = found ?? waited;
    if (job.failed?.startsWith(PORT_TAKEN)) {
      await control.whenOver(job, retry);
      return 'taken';
    }
    if (job.failed !== undefined) throw await jobError(job, place, job.failed);
    if (job.ended !== undefined) throw await jobError(job, place, `ended: ${job.ended}`);
    if (job.all) return job;
    const id = (job.id ?? waited.id)!;
    const status = control.status(id);
    if (status && isConclusive(status.meaning)) {
      // The end of its log may take a moment to appear on the network filesystem.
      endedAt ??= performance.now();
      if (performance.now() - endedAt > 2 * LOOK_MS)
        throw await jobError({ ...waited, id }, place, formatEnd(status));
    }
    const waits = job.host === undefined ? formatWait(id, status) : `starting on ${job.host} …`;
    interval = waits === told && !job.begun ? Math.min(MAX_LOOK_MS, interval * LOOK_GROWTH) : LOOK_MS;
    if (waits !== told) onProgress(waits);
    told = waits;
  }
}

/**
 * Ends jobs, the newest first, and waits until each is gone.
 *
 * @throws ServiceError that names one that could not be ended
 */
export async function endJobs(jobs: readonly ClusterJob[], place: Place): Promise<void> {
  const left = await place.control.endAll(jobs, place.files, place.retry);
  if (left)
    throw await jobError(left, place, 'could not be ended: its node may not answer', `scancel ${left.id}`);
}

/** What happened to a job, or to the service that `what` begins with, with the end of its log. */
export async function jobError(
  { plan, id, number }: Pick<ClusterJob, 'plan' | 'id' | 'number'>,
  { transport, files }: Pick<Place, 'transport' | 'files'>,
  what: string,
  next?: string,
): Promise<ServiceError> {
  const names = plan?.services.map(({ name }) => name) ?? [];
  const service = names.find((name) => what.startsWith(`${name} `));
  const log = service === undefined ? outputFile(files.job(number)) : files.log(service);
  return new ServiceError({
    service: service ?? names.join(', '),
    what: service === undefined ? `job ${id ?? number}: ${what}` : what.slice(service.length + 1),
    tail: await readTail(transport, log),
    log: `${transport.place}:${log}`,
    ...(next === undefined ? {} : { next }),
  });
}

const formatWait = (id: string, status: TaskStatus | undefined): string =>
  status?.meaning === 'pending' || !status
    ? `job ${id} is in Slurm's queue${status?.reason ? `: ${status.reason}` : ''} …`
    : `job ${id} begins …`;

const formatEnd = ({ state, reason, nodes }: TaskStatus): string =>
  `Slurm ended it: ${[state, reason && `reason ${reason}`, nodes && `on ${nodes}`].filter(Boolean).join(', ')}`;
