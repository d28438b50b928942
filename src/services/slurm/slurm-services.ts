import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { SlurmEnvironment } from '../../config/resolved-config.js';
import { InfrastructureError } from '../../definition/errors.js';
import { withLock } from '../../engine/lock.mjs';
import { sshEnvironment } from '../../engine/ssh-environment.js';
import { ExecutionFault } from '../../execution/execution-fault.js';
import { askOnce } from '../../execution/slurm/ask-once.js';
import { Cluster } from '../../execution/slurm/cluster.js';
import { ClusterRetry } from '../../execution/slurm/cluster-retry.js';
import { ScheduledJob } from '../../execution/slurm/job/scheduled-job.js';
import { isConclusive } from '../../execution/slurm/queue/states.js';
import type { TaskStatus } from '../../execution/slurm/queue/watched-job.js';
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
import { ServiceError } from '../service-error.js';
import { ClusterFiles, downFile, outputFile } from './cluster-files.js';
import { handlesOf } from './handles.js';
import { PORT_TAKEN } from './job-script.js';
import { prepareJob } from './prepare-job.js';
import { type ClusterJob, readJobs } from './read-jobs.js';
import { readRecord, type SlurmRecord, writeRecord } from './record.js';
import { readTail, streamLog } from './remote-log.js';

/** How often a job's files are looked at while it is waited for. */
const LOOK_MS = 500;
const MAX_LOOK_MS = 5_000;
/** A gateway that is slower is not waited for by a look at what runs. */
const INSPECT_WITHIN_MS = 15_000;
const FIRST_POLL_WITHIN_MS = 10_000;
/** The script gives a sign of life every 5 s. */
const POLL_WHEN_SILENT_S = 15;
/** Services may take so long to end in order; then Slurm ends the job. */
const END_WITHIN_MS = 70_000;
/** Slurm kills what does not end by itself; a node that does not answer can't be waited for. */
const GONE_WITHIN_MS = 240_000;
const MAX_TAKEN_PORTS = 5;

/**
 * Runs all services of an environment in one job of a Slurm cluster: they begin and end together. What is known of them is
 * in small files of the cluster, which their job's script writes; this machine keeps a copy, for when the gateway does not
 * answer.
 */
export class SlurmServices implements ServiceEnvironment {
  readonly inspectEveryMs = 3_000;
  readonly #options: ServiceEnvironmentOptions;
  readonly #environment: SlurmEnvironment;
  readonly #transport: Transport;
  readonly #cluster: Cluster;
  /** The job that the queue is polled for. */
  #watched: { readonly id: string; readonly job: ScheduledJob; readonly stop: () => void } | undefined;

  static async open(options: ServiceEnvironmentOptions): Promise<SlurmServices> {
    const environment = options.environment as SlurmEnvironment;
    return new SlurmServices(options, await openTransport(environment, undefined, sshEnvironment));
  }

  /** @param transport is closed with it */
  constructor(options: ServiceEnvironmentOptions, transport: Transport) {
    this.#options = options;
    this.#environment = options.environment as SlurmEnvironment;
    this.#transport = transport;
    this.#cluster = new Cluster(transport);
  }

  up(specs: readonly ServiceSpec[], options: UpOptions): Promise<readonly ServiceHandle[]> {
    return this.#alone(options, async (retry) => {
      if (specs.length === 0) return [];
      const files = await this.#openFiles(retry);
      const taken = new Set<number>();
      for (;;) {
        const [last] = await readJobs(retry.ask, files);
        const isOver = !last || (await this.#isOver(last, retry));
        if (last && !isOver && !this.#isOf(last, specs)) {
          options.onProgress(`ending job ${last.id ?? last.number}, whose services have other settings …`);
          await this.#end(last, files, retry);
          continue;
        }
        const job =
          isOver || last.id === undefined
            ? await this.#submit(specs, files, last, isOver, taken, options, retry)
            : last;
        const ready = await this.#untilReady(job, files, options, retry);
        if (ready !== 'taken') return this.#note(files, ready, specs, false);
        if (taken.size >= MAX_TAKEN_PORTS) throw await this.#failed(job, files, 'found no free port');
        for (const service of job.plan?.services ?? []) taken.add(service.port);
      }
    });
  }

  async inspect(): Promise<readonly ServiceHandle[]> {
    const record = this.#record;
    try {
      const once = askOnce(this.#transport);
      const ask: typeof once = (command, options) =>
        once(command, { timeout_ms: INSPECT_WITHIN_MS, ...options });
      const root = record?.root ?? (await findSpool(this.#transport, ask, this.#environment.file_root))?.root;
      if (root === undefined) return [];
      const files = this.#filesIn(root);
      const [last] = await readJobs(ask, files);
      if (!last) return [];
      const over = last.ended !== undefined || last.withdrawn || (await this.#slurmSaysOver(last));
      return this.#note(files, last, record?.specs ?? null, over);
    } catch {
      // A gateway that does not answer says nothing of what runs behind it.
      return (record?.handles ?? []).map((handle) =>
        handle.status === 'stopped' ? handle : { ...handle, status: 'unknown' },
      );
    }
  }

  /** They are in one job, so all of them end. */
  down(names: readonly string[], options: UpOptions): Promise<void> {
    return this.#alone(options, async (retry) => {
      if (names.length === 0) return;
      const files = await this.#openFiles(retry);
      const [last] = await readJobs(retry.ask, files);
      if (!last) return;
      options.onProgress(
        `ending ${last.id === undefined ? 'what was about to be submitted' : `job ${last.id}`} …`,
      );
      await retry.until(() => this.#transport.write('', downFile(files.job(last.number))));
      if (!(await this.#isOver(last, retry))) await this.#end(last, files, retry);
      this.#note(files, { ...last, down: true }, this.#record?.specs ?? null, true);
    });
  }

  async *logs(name: string, options: LogOptions): AsyncGenerator<Uint8Array, void> {
    const root =
      this.#record?.root ??
      (await findSpool(this.#transport, askOnce(this.#transport), this.#environment.file_root))?.root;
    if (root !== undefined) yield* streamLog(this.#transport, this.#filesIn(root).log(name), options);
  }

  async close(): Promise<void> {
    this.#watched?.stop();
    this.#cluster.close();
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

  /** Makes and submits the next job, or the last one if it was not submitted. */
  async #submit(
    specs: readonly ServiceSpec[],
    files: ClusterFiles,
    last: ClusterJob | undefined,
    isOver: boolean,
    taken: ReadonlySet<number>,
    options: UpOptions,
    retry: ClusterRetry,
  ): Promise<ClusterJob> {
    const number = last === undefined ? 1 : isOver ? last.number + 1 : last.number;
    const { cluster } = { cluster: this.#cluster };
    const limits = await cluster.limits(this.#environment.executor, retry);
    const { plan, request } = await prepareJob(
      { specs, number, files, last: isOver ? last : undefined, taken, limits },
      { services: this.#options, environment: this.#environment, transport: this.#transport, retry },
      options,
    );
    this.#write(files, number, specs, []);
    const job = new ScheduledJob(cluster, request, retry);
    const id = await job.submit({
      limit: limits.submit,
      onWaits: (waits) => waits && options.onProgress(waits),
    });
    if (id === undefined) throw options.signal.reason;
    const made: ClusterJob = { ...UNBEGUN, number, plan, id };
    this.#note(files, made, specs, false);
    return made;
  }

  /** @returns 'taken' if a port was in use on the node */
  async #untilReady(
    { number, id, plan }: ClusterJob,
    files: ClusterFiles,
    { onProgress }: UpOptions,
    retry: ClusterRetry,
  ): Promise<ClusterJob | 'taken'> {
    const scheduled = this.#watch(files.job(number), id!);
    let told = '';
    let interval = LOOK_MS;
    for (let endedAt: number | undefined; ; ) {
      const job = (await readJobs(retry.ask, files)).find((each) => each.number === number);
      if (job?.failed?.startsWith(PORT_TAKEN)) {
        await this.#whenOver(job, retry);
        return 'taken';
      }
      if (job?.failed !== undefined) throw await this.#failed(job, files, job.failed);
      if (job?.ended !== undefined) throw await this.#failed(job, files, `ended: ${job.ended}`);
      if (job?.all) return job;
      const status = scheduled.view.tasks.get(0);
      if (status && isConclusive(status.meaning)) {
        // Its last words may need a moment to come through the network filesystem.
        endedAt ??= performance.now();
        if (performance.now() - endedAt > 2 * LOOK_MS)
          throw await this.#failed({ ...UNBEGUN, ...job, number, plan, id }, files, formatEnd(status));
      }
      const waits = job?.host ? `starting on ${job.host} …` : formatWait(id!, status);
      if (waits !== told) onProgress(waits);
      interval = waits === told && !job?.begun ? Math.min(MAX_LOOK_MS, interval * 1.4) : LOOK_MS;
      told = waits;
      retry.check();
      await retry.sleep(interval);
    }
  }

  /** Whether a job does not run and never will. Waits until that is known. */
  async #isOver(job: ClusterJob, retry: ClusterRetry): Promise<boolean> {
    if (job.ended !== undefined || job.withdrawn) return true;
    if (job.id === undefined) return false;
    const status = await this.#statusOf(job, retry);
    return isConclusive(status.meaning);
  }

  /** What Slurm says now. */
  async #statusOf(job: ClusterJob, retry: ClusterRetry): Promise<TaskStatus> {
    const scheduled = this.#watch(job.id!, job.id!);
    for (;;) {
      const answered = await this.#cluster.queue.countJobs(performance.now());
      const status = scheduled.view.tasks.get(0);
      if (answered !== undefined && status) return status;
      retry.check();
      await retry.sleep(LOOK_MS);
    }
  }

  async #whenOver(job: ClusterJob, retry: ClusterRetry): Promise<void> {
    while (!isConclusive((await this.#statusOf(job, retry)).meaning)) await retry.sleep(LOOK_MS);
  }

  /** The same without waiting for Slurm, except for a first answer. */
  async #slurmSaysOver({ id, number, silent_s = 0, begun }: ClusterJob): Promise<boolean> {
    if (id === undefined) return false;
    const isNew = this.#watched?.id !== id;
    const { view } = this.#watch(`${number}`, id);
    if (isNew) {
      const looked = this.#cluster.queue.countJobs(performance.now()).catch(() => undefined);
      await Promise.race([looked, sleep(FIRST_POLL_WITHIN_MS)]);
    } else if (!begun || silent_s > POLL_WHEN_SILENT_S) this.#cluster.queue.pollSoon();
    const status = view.tasks.get(0) ?? this.#watched?.job.view.tasks.get(0);
    return status !== undefined && isConclusive(status.meaning);
  }

  #watch(folder: string, id: string): ScheduledJob {
    if (this.#watched?.id === id) return this.#watched.job;
    this.#watched?.stop();
    const request = { folder, name: id, sbatch: [], tasks: 1 };
    const job = new ScheduledJob(this.#cluster, request, new ClusterRetry(this.#transport), id);
    this.#watched = { id, job, stop: job.watch(new Set()) };
    return job;
  }

  /** Ends a job in order, and waits until it is gone. */
  async #end(job: ClusterJob, files: ClusterFiles, retry: ClusterRetry): Promise<void> {
    const request = { folder: files.job(job.number), name: '', sbatch: [], tasks: 1 };
    // Its script sees that it may not run any more.
    await retry.until(() => this.#transport.write('none\n', files.current));
    let { id } = job;
    if (id === undefined) {
      const withdrawing = new ClusterRetry(this.#transport);
      withdrawing.cancelled = true;
      id = await new ScheduledJob(this.#cluster, request, withdrawing).submit({
        limit: 0,
        onWaits: () => {},
      });
      if (id === undefined) return;
    }
    const scheduled = new ScheduledJob(this.#cluster, request, retry, id);
    const since = performance.now();
    for (let isAsked = false; ; ) {
      const now = (await readJobs(retry.ask, files)).find(({ number }) => number === job.number);
      if (now?.ended !== undefined) return;
      const { meaning, state } = await this.#statusOf({ ...job, id }, retry);
      if (isConclusive(meaning)) return;
      const waited = performance.now() - since;
      if (!isAsked && (meaning === 'pending' || waited > END_WITHIN_MS)) {
        await scheduled.end();
        isAsked = true;
      }
      if (waited > GONE_WITHIN_MS)
        throw await this.#failed(job, files, `could not be ended: job ${id} is ${state}`, `scancel ${id}`);
      retry.check();
      await retry.sleep(LOOK_MS);
    }
  }

  /** Whether a job's services are those that are wanted, with the same settings. */
  #isOf({ number, plan }: ClusterJob, specs: readonly ServiceSpec[]): boolean {
    const record = this.#record;
    if (record?.number === number && record.specs) return isDeepStrictEqual(record.specs, specs);
    // Submitted from another machine, or the record is lost.
    return (
      !plan ||
      isDeepStrictEqual(
        plan.services.map(({ name }) => name),
        specs.map(({ name }) => name),
      )
    );
  }

  #note(
    files: ClusterFiles,
    job: ClusterJob,
    specs: readonly ServiceSpec[] | null,
    over: boolean,
  ): readonly ServiceHandle[] {
    const handles = handlesOf(job, over);
    this.#write(files, job.number, specs, handles);
    return handles;
  }

  #write(
    files: ClusterFiles,
    number: number,
    specs: readonly ServiceSpec[] | null,
    handles: readonly ServiceHandle[],
  ): void {
    writeRecord(this.#options.folder, { root: files.spool, number, specs, handles });
  }

  async #failed(
    { plan, id }: ClusterJob,
    files: ClusterFiles,
    what: string,
    next?: string,
  ): Promise<ServiceError> {
    const names = plan?.services.map(({ name }) => name) ?? [];
    const service = names.find((name) => what.startsWith(`${name} `));
    const log = service === undefined ? outputFile(files.job(this.#record?.number ?? 0)) : files.log(service);
    return new ServiceError({
      service: service ?? (names.join(', ') || 'services'),
      what: service === undefined ? `job ${id ?? ''}: ${what}` : what.slice(service.length + 1),
      tail: await readTail(this.#transport, log),
      log: `${this.#transport.place}:${log}`,
      ...(next === undefined ? {} : { next }),
    });
  }

  /** One at a time on this machine, until the signal aborts. */
  #alone<T>({ signal, onProgress }: UpOptions, work: (retry: ClusterRetry) => Promise<T>): Promise<T> {
    return withLock(join(this.#options.folder, 'slurm.lock'), async () => {
      signal.throwIfAborted();
      const retry = new ClusterRetry(this.#transport, {
        onWaits: (waits) => waits && onProgress(waits),
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
        throw error instanceof ExecutionFault ? clusterError(this.#transport.place, error) : error;
      } finally {
        retry.close();
      }
    });
  }
}

const UNBEGUN: Omit<ClusterJob, 'number' | 'plan' | 'id'> = {
  ...{ withdrawn: false, down: false, begun: false, all: false },
  ...{ host: undefined, failed: undefined, ended: undefined, silent_s: undefined },
  ready: new Map(),
  restarts: new Map(),
};

const formatWait = (id: string, status: TaskStatus | undefined): string =>
  status?.meaning === 'pending' || !status
    ? `job ${id} is in Slurm's queue${status?.reason ? `: ${status.reason}` : ''} …`
    : `job ${id} begins …`;

const formatEnd = ({ state, reason, nodes }: TaskStatus): string =>
  `Slurm ended it: ${[state, reason && `reason ${reason}`, nodes && `on ${nodes}`].filter(Boolean).join(', ')}`;

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
