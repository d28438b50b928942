import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../../execution/slurm/cluster.js';
import { ClusterRetry } from '../../execution/slurm/cluster-retry.js';
import { ScheduledJob } from '../../execution/slurm/job/scheduled-job.js';
import { isConclusive } from '../../execution/slurm/queue/states.js';
import type { TaskStatus } from '../../execution/slurm/queue/watched-job.js';
import type { Transport } from '../../transport/transport.js';
import type { ClusterFiles } from './cluster-files.js';
import { type ClusterJob, readJobs } from './read-jobs.js';

const LOOK_MS = 500;
/** For a job that Slurm has not reported yet. */
const FIRST_POLL_WITHIN_MS = 10_000;
/** The script writes a heartbeat every 5 s. */
const POLL_WHEN_SILENT_S = 15;
/** Services may take so long to end in order; then Slurm ends the job. */
const END_WITHIN_MS = 70_000;
/** Slurm kills what does not end by itself; a node that does not answer can't be waited for. */
const GONE_WITHIN_MS = 240_000;

/** Asks Slurm about services' jobs, and ends them. */
export class JobControl {
  readonly cluster: Cluster;
  readonly #transport: Transport;
  /** Jobs that the queue is polled for, by their ids. */
  readonly #watched = new Map<string, { readonly job: ScheduledJob; readonly stop: () => void }>();

  constructor(transport: Transport) {
    this.#transport = transport;
    this.cluster = new Cluster(transport);
  }

  close(): void {
    for (const { stop } of this.#watched.values()) stop();
    this.cluster.close();
  }

  /** Has the queue polled for a job from now on. @returns what is known; undefined: nothing yet */
  status(id: string): TaskStatus | undefined {
    return this.#watch(id).view.tasks.get(0);
  }

  /** Whether a job does not run, and never will. Waits until Slurm has said so. */
  async isOver(job: ClusterJob, retry: ClusterRetry): Promise<boolean> {
    if (job.ended !== undefined || job.withdrawn) return true;
    if (job.id === undefined) return false;
    return isConclusive((await this.#statusNow(job.id, retry)).meaning);
  }

  /** The same by what Slurm has said before: only where that is nothing, a moment is waited for it. */
  async seemsOver(job: ClusterJob): Promise<boolean> {
    const { id, begun, silent_s = 0 } = job;
    if (job.ended !== undefined || job.withdrawn) return true;
    if (id === undefined) return false;
    const { queue } = this.cluster;
    if (!this.#watched.has(id)) {
      this.#watch(id);
      const looked = queue.countJobs(performance.now()).catch(() => undefined);
      await Promise.race([looked, sleep(FIRST_POLL_WITHIN_MS)]);
    } else if (!begun || silent_s > POLL_WHEN_SILENT_S) queue.pollSoon();
    const status = this.status(id);
    return status !== undefined && isConclusive(status.meaning);
  }

  async whenOver(job: ClusterJob, retry: ClusterRetry): Promise<void> {
    while (!(await this.isOver(job, retry))) await retry.sleep(LOOK_MS);
  }

  /**
   * Ends jobs in order, the newest first, and waits until each is gone.
   *
   * @returns one that could not be ended in time
   */
  async endAll(
    jobs: readonly ClusterJob[],
    files: ClusterFiles,
    retry: ClusterRetry,
  ): Promise<ClusterJob | undefined> {
    // Their scripts see that they may not run any more.
    await retry.until(() => this.#transport.write('none\n', files.current));
    for (const job of jobs) if (!(await this.#end(job, files, retry))) return job;
    return undefined;
  }

  async #end(job: ClusterJob, files: ClusterFiles, retry: ClusterRetry): Promise<boolean> {
    if (await this.isOver(job, retry)) return true;
    const id = job.id ?? (await this.#withdraw(files.job(job.number)));
    if (id === undefined) return true;
    const since = performance.now();
    for (let isAsked = false; ; await retry.sleep(LOOK_MS)) {
      const now = (await readJobs(retry.ask, files)).find(({ number }) => number === job.number);
      if (now?.ended !== undefined) return true;
      const { meaning } = await this.#statusNow(id, retry);
      if (isConclusive(meaning)) return true;
      const waited = performance.now() - since;
      if (waited > GONE_WITHIN_MS) return false;
      if (isAsked || (meaning !== 'pending' && waited < END_WITHIN_MS)) continue;
      isAsked = true;
      await scheduledJob(this.cluster, retry, files.job(job.number), id).end();
    }
  }

  /** @returns its id, if it was submitted after all; else it never will be */
  async #withdraw(folder: string): Promise<string | undefined> {
    const retry = new ClusterRetry(this.#transport);
    retry.cancelled = true;
    try {
      return await scheduledJob(this.cluster, retry, folder).submit({ limit: Infinity, onWaits: () => {} });
    } finally {
      retry.close();
    }
  }

  /** What Slurm says now. */
  async #statusNow(id: string, retry: ClusterRetry): Promise<TaskStatus> {
    for (;;) {
      this.#watch(id);
      const answered = await this.cluster.queue.countJobs(performance.now());
      const status = this.status(id);
      if (answered !== undefined && status) return status;
      retry.check();
      await retry.sleep(LOOK_MS);
    }
  }

  #watch(id: string): ScheduledJob {
    const watched = this.#watched.get(id);
    if (watched) return watched.job;
    const job = scheduledJob(this.cluster, new ClusterRetry(this.#transport), '', id);
    this.#watched.set(id, { job, stop: job.watch(new Set()) });
    return job;
  }
}

/** A job that is not submitted by this. */
const scheduledJob = (cluster: Cluster, retry: ClusterRetry, folder: string, id?: string) =>
  new ScheduledJob(cluster, { folder, name: '', sbatch: [], tasks: 1 }, retry, id);
