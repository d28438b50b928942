import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { SlurmEnvironment } from '../../config/resolved-config.js';
import { sshEnvironment } from '../../engine/worker/ssh-environment.js';
import { askOnce } from '../../execution/slurm/ask-once.js';
import type { AskCluster, ClusterRetry, ClusterRetryOptions } from '../../execution/slurm/cluster-retry.js';
import { ScheduledJob } from '../../execution/slurm/job/scheduled-job.js';
import { findSpool } from '../../execution/slurm/spool/find-spool.js';
import { Spool } from '../../execution/slurm/spool/spool.js';
import { openTransport } from '../../transport/open.js';
import type { Transport } from '../../transport/transport.js';
import type { ServiceHandle, ServiceSpec } from '../service.js';
import type {
  LogOptions,
  ServiceEnvironment,
  ServiceEnvironmentOptions,
  UpOptions,
} from '../service-environment.js';
import { ClusterFiles, downFile } from './cluster-files.js';
import { handlesOf } from './handles.js';
import { JobControl } from './job-control.js';
import { prepareJob, type WantedJob } from './prepare-job.js';
import { type ClusterJob, isFollowed, readJobs, UNBEGUN } from './read-jobs.js';
import { readRecord, type SlurmRecord, writeRecord } from './record.js';
import { streamLog } from './remote-log.js';
import { renewalOf } from './renewal.js';
import { endJobs, jobError, untilReady } from './wait-for-jobs.js';
import { withCluster } from './with-cluster.js';

/** An inspection does not wait longer than this for the gateway. */
const INSPECT_WITHIN_MS = 15_000;
const MAX_TAKEN_PORTS = 5;
/** Nobody checks the services in the meantime. */
const RENEW_WITHIN: ClusterRetryOptions = { within_ms: 30_000, throwNeeded: true };

/**
 * Runs all services of an environment in one job of a Slurm cluster: they begin and end together. What is known of them is
 * in small files there, which the job's script writes; this machine keeps a copy, for when the gateway does not answer.
 */
export class SlurmServices implements ServiceEnvironment {
  readonly inspectEveryMs = 3_000;
  readonly #options: ServiceEnvironmentOptions;
  readonly #environment: SlurmEnvironment;
  readonly #transport: Transport;
  readonly #control: JobControl;
  /** When the job that runs will end, as the last look found; undefined: it need not be followed. */
  #renewAt: number | undefined;

  static async open(options: ServiceEnvironmentOptions): Promise<SlurmServices> {
    const environment = options.environment as SlurmEnvironment;
    return new SlurmServices(options, await openTransport(environment, undefined, sshEnvironment));
  }

  /** @param transport is closed with it */
  constructor(options: ServiceEnvironmentOptions, transport: Transport) {
    this.#options = options;
    this.#environment = options.environment as SlurmEnvironment;
    this.#transport = transport;
    this.#control = new JobControl(transport);
  }

  up(specs: readonly ServiceSpec[], options: UpOptions): Promise<readonly ServiceHandle[]> {
    return this.#work(options, {}, async (retry) => {
      if (specs.length === 0) return [];
      const files = await this.#openFiles(retry);
      for (const taken = new Set<number>(); ; ) {
        const jobs = await readJobs(retry.ask, files);
        const last = await this.#current(jobs, (job) => this.#control.isOver(job, retry));
        const isOver = !last || (await this.#control.isOver(last, retry));
        if (last && !isOver && !this.#isOf(last, specs)) {
          options.onProgress(
            `ending job ${last.id ?? last.number}: other services, or settings, are wanted …`,
          );
          await endJobs(jobs, this.#at(files, retry));
          continue;
        }
        const begins = isOver || last.id === undefined;
        const number = (last?.number ?? 0) + (isOver ? 1 : 0);
        const wanted = { specs, number, files, last: isOver ? last : undefined, follows: false, taken };
        const job = begins ? await this.#submit(wanted, options, retry) : last;
        const ready = await untilReady(job, this.#at(files, retry), options);
        if (ready !== 'taken') return this.#note(files, ready, specs, false);
        for (const { port } of job.plan?.services ?? []) taken.add(port);
        if (taken.size > MAX_TAKEN_PORTS)
          throw await jobError(job, this.#at(files, retry), 'found no free port');
      }
    });
  }

  async inspect(): Promise<readonly ServiceHandle[]> {
    const record = this.#record;
    this.#renewAt = undefined;
    try {
      const once = askOnce(this.#transport);
      const ask: AskCluster = (command, options) =>
        once(command, { timeout_ms: INSPECT_WITHIN_MS, ...options });
      const root = record?.root ?? (await this.#findRoot(ask));
      if (root === undefined) return [];
      const files = this.#filesIn(root);
      const jobs = await readJobs(ask, files);
      const job = await this.#current(jobs, (each) => this.#control.seemsOver(each));
      if (!job) return [];
      // A job that was not submitted will never start.
      const isOver = job.id === undefined || (await this.#control.seemsOver(job));
      const isFollowedAlready = job !== jobs[0] && jobs[0]?.id !== undefined;
      if (!isOver && job.all && !isFollowedAlready) this.#renewAt = renewalOf(job);
      return this.#note(files, job, record?.specs ?? null, isOver);
    } catch {
      // If the gateway does not answer, nothing is known of the services behind it.
      return (record?.handles ?? []).map((handle) =>
        handle.status === 'stopped' ? handle : { ...handle, status: 'unknown' },
      );
    }
  }

  /**
   * Submits a job that begins when the one that runs ends, while that still has some time: what it waits in the queue is no
   * outage.
   */
  async renew(specs: readonly ServiceSpec[], options: UpOptions): Promise<void> {
    if (this.#renewAt === undefined || Date.now() < this.#renewAt) return;
    await this.#work(options, RENEW_WITHIN, async (retry) => {
      const files = await this.#openFiles(retry);
      const jobs = await readJobs(retry.ask, files);
      const last = await this.#current(jobs, (job) => this.#control.isOver(job, retry));
      if (!last?.all || last.down || (await this.#control.isOver(last, retry)) || !this.#isOf(last, specs))
        return;
      options.onProgress(`the time of job ${last.id} is about to end: another one is submitted to follow it`);
      const number = last.number + 1;
      await this.#submit({ specs, number, files, last, follows: true, taken: new Set() }, options, retry);
    });
  }

  /** They are in one job, so all of them end. */
  down(names: readonly string[], options: UpOptions): Promise<void> {
    return this.#work(options, {}, async (retry) => {
      if (names.length === 0) return;
      const files = await this.#openFiles(retry);
      const jobs = await readJobs(retry.ask, files);
      const last = await this.#current(jobs, (job) => this.#control.isOver(job, retry));
      if (!last) return;
      options.onProgress(
        last.id === undefined
          ? 'ending what was not submitted …'
          : `ending job ${last.id}, with ${last.plan?.services.map(({ name }) => name).join(', ')} …`,
      );
      for (const { number } of jobs)
        await retry.until(() => this.#transport.write('', downFile(files.job(number))));
      await endJobs(jobs, this.#at(files, retry));
      this.#note(files, last, this.#record?.specs ?? null, true);
    });
  }

  async *logs(name: string, options: LogOptions): AsyncGenerator<Uint8Array, void> {
    const root = this.#record?.root ?? (await this.#findRoot(askOnce(this.#transport)));
    if (root !== undefined) yield* streamLog(this.#transport, this.#filesIn(root).log(name), options);
  }

  async close(): Promise<void> {
    this.#control.close();
    await this.#transport.close();
  }

  get #record(): SlurmRecord | undefined {
    return readRecord(this.#options.folder);
  }

  #filesIn(spool: string): ClusterFiles {
    const { folder } = this.#options;
    return new ClusterFiles(spool, basename(dirname(folder)), basename(folder));
  }

  async #openFiles(retry: ClusterRetry): Promise<ClusterFiles> {
    return this.#filesIn((await Spool.open(this.#transport, this.#environment.file_root, retry)).root);
  }

  async #findRoot(ask: AskCluster): Promise<string | undefined> {
    return (await findSpool(this.#transport, ask, this.#environment.file_root))?.root;
  }

  /** The job that has the services: the last one, unless that waits for the end of the one before. */
  async #current(
    [last, before]: readonly ClusterJob[],
    isOver: (job: ClusterJob) => Promise<boolean>,
  ): Promise<ClusterJob | undefined> {
    if (!last || !before || !isFollowed(before, last)) return last;
    return (await isOver(before)) ? last : before;
  }

  async #submit(
    wanted: Omit<WantedJob, 'limits'>,
    options: UpOptions,
    retry: ClusterRetry,
  ): Promise<ClusterJob> {
    const { cluster } = this.#control;
    const { number, files, specs, follows } = wanted;
    const limits = await cluster.limits(this.#environment.executor, retry);
    const { plan, request } = await prepareJob(
      { ...wanted, limits },
      { services: this.#options, environment: this.#environment, transport: this.#transport, retry },
      options,
    );
    if (!follows) this.#write(files, number, specs, []);
    const job = new ScheduledJob(cluster, request, retry);
    const id = await job.submit({
      limit: limits.submit,
      onWaits: (waits) => waits !== null && options.onProgress(waits),
    });
    return { ...UNBEGUN, number, plan, id };
  }

  /** Whether a job's services are those that are wanted, with the same settings. */
  #isOf({ number, plan }: ClusterJob, specs: readonly ServiceSpec[]): boolean {
    const record = this.#record;
    if (record?.specs && record.number <= number) return isDeepStrictEqual(record.specs, specs);
    // Submitted from another machine, or the record is lost.
    const names = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name);
    return !plan || isDeepStrictEqual(names(plan.services), names(specs));
  }

  #note(
    files: ClusterFiles,
    job: ClusterJob,
    specs: readonly ServiceSpec[] | null,
    isOver: boolean,
  ): readonly ServiceHandle[] {
    const handles = handlesOf(job, isOver);
    this.#write(files, job.number, specs, handles);
    return handles;
  }

  #write(
    { spool }: ClusterFiles,
    number: number,
    specs: readonly ServiceSpec[] | null,
    handles: readonly ServiceHandle[],
  ): void {
    writeRecord(this.#options.folder, { root: spool, number, specs, handles });
  }

  #at(files: ClusterFiles, retry: ClusterRetry) {
    return { control: this.#control, transport: this.#transport, files, retry };
  }

  #work<T>(options: UpOptions, limit: ClusterRetryOptions, work: (retry: ClusterRetry) => Promise<T>) {
    const lock = join(this.#options.folder, 'slurm.lock');
    return withCluster({ lock, transport: this.#transport }, options, limit, work);
  }
}
