import type { BatchOptions, BatchReport } from '../../batch-executor.js';
import { ExecutionFault } from '../../execution-fault.js';
import type { ClusterRetry } from '../cluster-retry.js';
import type { ArtifactCollector } from '../collect/artifact-collector.js';
import { ScheduledJob } from '../job/scheduled-job.js';
import type { JobView } from '../queue/watched-job.js';
import type { PreparedArray } from '../submit/prepare-array.js';
import { segmentPrefix } from '../task/array-files.js';
import { ArrayTasks } from './array-tasks.js';
import { PollTimer } from './poll-timer.js';
import { type Settlement, settleArray } from './settle-array.js';

const MIN_LOOK_MS = 1_000;
const MAX_LOOK_MS = 15_000;
const MAX_CANCEL_LOOK_MS = 2_000;
const GROWTH = 1.4;
const PAUSE_LOOK_MS = 3_000;
/** Aborted runs have 5 s to settle, and slots 2 s more. After this time the job itself is ended. */
const CANCEL_GRACE_MS = 30_000;
/** A network filesystem may take this long to show a file written on another machine. */
const LAG_MS = 90_000;
const UNREPORTED_LAG_MS = 3_000;
/** How often silent tasks are asked about. */
const SILENT_AFTER_MS = 15_000;

/** Follows one array, from its submission to its last record. */
export class ArrayMonitor {
  readonly #array: PreparedArray;
  readonly #options: BatchOptions;
  readonly #retry: ClusterRetry;
  readonly #artifacts: ArtifactCollector | undefined;
  readonly #tasks: ArrayTasks;
  readonly #timer: PollTimer;
  readonly #job: ScheduledJob;
  #waits: string | null = null;
  #paused = false;
  #polledSoonAt = 0;
  #endsSeen = 0;
  #cancelAt: number | undefined;
  #ended = false;
  /** Its last state. */
  #view: JobView = { tasks: new Map() };

  /** @param artifacts fetches them with the records */
  constructor(
    array: PreparedArray,
    options: BatchOptions,
    retry: ClusterRetry,
    artifacts?: ArtifactCollector,
  ) {
    this.#artifacts = artifacts;
    this.#timer = new PollTimer(array.order, retry);
    this.#array = array;
    this.#options = options;
    this.#retry = retry;
    this.#tasks = new ArrayTasks(array.spec, array.cells, array.collector.recorded, array.batch);
    const { cluster, folder, name, sbatch, spec, known } = array;
    this.#job = new ScheduledJob(cluster, { folder, name, sbatch, tasks: spec.tasks }, retry, known);
  }

  /**
   * @returns 'again' if the batch has another round
   * @throws ExecutionFault if the executor failed, or if the worker ends; the array then continues without it
   */
  async run(): Promise<BatchReport | 'again'> {
    const forget = this.#options.signal.onStop(() => this.#timer.wake());
    try {
      if (this.#array.known === undefined) await this.#waitWhilePaused();
      if (this.#array.spec.tasks > 0) await this.#submit();
      if (this.#job.id !== undefined) await this.#follow();
      else await this.#array.collector.collect(this.#retry);
      return await this.#report();
    } finally {
      forget();
    }
  }

  /** Reports progress to listeners whenever something is known. */
  readonly tell = (waits: string | null = this.#waits): void => {
    this.#waits = waits;
    const { reason, ...progress } = this.#tasks.progress(this.#job.view);
    const slurm = progress.running === 0 && progress.pending > 0 && reason ? `Slurm: ${reason}` : null;
    const paused = this.#paused ? 'paused' : null;
    // What submitting waits for resolves without a person, so only failing requests count as stuck.
    const { stuck } = this.#retry;
    const { limit_s, cut_from_s } = this.#array.resources;
    const silence = this.#array.cluster.queue.silence;
    this.#options.onProgress({
      ...progress,
      job: this.#job.id ?? null,
      excluded: this.#array.excluded,
      ...(cut_from_s !== undefined && limit_s !== null && { time_cut: { asked_s: cut_from_s, limit_s } }),
      waits: this.#retry.waits ?? waits ?? paused ?? silence ?? slurm,
      stuck,
    });
  };

  async #waitWhilePaused(): Promise<void> {
    while (!this.#retry.cancelled && (await this.#options.isPaused())) {
      this.#paused = true;
      this.tell();
      await this.#timer.sleep(PAUSE_LOOK_MS);
      this.#retry.check();
    }
    this.#paused = false;
  }

  async #submit(): Promise<void> {
    const { known, limits } = this.#array;
    const job = await this.#job.submit({ limit: limits.submit, onWaits: this.tell });
    if (job !== undefined && job !== known) await this.#array.noteJob(job);
  }

  async #follow(): Promise<void> {
    const { cluster, collector, spec, folder, known } = this.#array;
    const job = this.#job;
    const tasks = this.#tasks;
    const forgetJob = job.watch(tasks.ended);
    const forgetArray = collector.add({
      folder,
      get ends() {
        return tasks.ends;
      },
      get unreported() {
        if (!tasks.isOver(job.view)) return [];
        return tasks.unreported().map((task) => segmentPrefix(spec.token, task));
      },
      onEnded: (_, end) => tasks.noteEnd(end),
      onLive: (_, live) => tasks.noteLive(live),
    });
    const forgetLooks = cluster.queue.onLook(() => this.#timer.wake());
    try {
      if (known !== undefined) await this.#takeOver();
      await this.#watch();
      this.#view = job.view;
    } finally {
      forgetLooks();
      forgetArray();
      forgetJob();
    }
    // Pending tasks, and those that wait for what others may give back.
    if (!this.#tasks.isOver(this.#view)) await job.cancel();
    await collector.sync();
    await this.#array.noteOver();
    await this.#artifacts?.collect(this.#retry);
  }

  /** A worker that died may have left it paused, or may have died before it could pause it. */
  async #takeOver(): Promise<void> {
    this.#paused = !this.#retry.cancelled && (await this.#options.isPaused());
    await (this.#paused ? this.#job.pause() : this.#job.resumeIfPaused());
  }

  async #watch(): Promise<void> {
    const { collector } = this.#array;
    let interval = MIN_LOOK_MS;
    let seen = '';
    let overSince: number | undefined;
    for (;;) {
      this.#retry.check();
      // Check whether the array is over before fetching records: a task that has ended by then has recorded everything.
      const wasOver = this.#tasks.isOver(this.#job.view);
      await collector.collect(this.#retry);
      // Errors are not handled here: the final round meets them too.
      this.#artifacts?.collect(this.#retry).catch(() => {});
      this.tell();
      if (this.#tasks.isDone()) return;
      const over = this.#tasks.isOver(this.#job.view);
      overSince = over ? (overSince ?? performance.now()) : undefined;
      // A task that reported its own end had recorded everything before, and those records were fetched with the
      // report.
      if (overSince !== undefined && (wasOver || !this.#tasks.hasUnreported()))
        if (this.#isSettled(performance.now() - overSince)) return;
      await this.#controlTasks();
      this.#askWhereDue();
      const now = JSON.stringify([this.#tasks.counts(), this.#tasks.ends, overSince !== undefined]);
      interval = now === seen ? Math.min(MAX_LOOK_MS, interval * GROWTH) : MIN_LOOK_MS;
      seen = now;
      if (overSince !== undefined) interval = MIN_LOOK_MS;
      else if (this.#cancelAt !== undefined) interval = Math.min(interval, MAX_CANCEL_LOOK_MS);
      await this.#restUntilLook(interval);
    }
  }

  /** Whether all expected records are here. */
  #isSettled(overMs: number): boolean {
    if (!this.#tasks.isComplete()) return overMs > LAG_MS;
    return !this.#tasks.hasUnreported() || overMs > UNREPORTED_LAG_MS || this.#tasks.left().length === 0;
  }

  /** A pause or resume ends the wait early: asking the workflow costs the cluster nothing, unlike a poll. */
  async #restUntilLook(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= PAUSE_LOOK_MS) {
      if (await this.#timer.untilLook(Math.min(left, PAUSE_LOOK_MS))) return;
      if (left > PAUSE_LOOK_MS && (await this.#isPauseNews())) return;
    }
  }

  async #isPauseNews(): Promise<boolean> {
    return !this.#retry.cancelled && (await this.#options.isPaused()) !== this.#paused;
  }

  async #controlTasks(): Promise<void> {
    const now = performance.now();
    if (this.#retry.cancelled) {
      if (this.#cancelAt === undefined) {
        this.#cancelAt = now;
        await this.#job.cancel();
      } else if (!this.#ended && now - this.#cancelAt > CANCEL_GRACE_MS) {
        this.#ended = true;
        await this.#job.end();
      }
      return;
    }
    if (!(await this.#isPauseNews())) return;
    const paused = !this.#paused;
    await (paused ? this.#job.pause() : this.#job.resume());
    this.#paused = paused;
  }

  /**
   * Polls early when tasks ended, since that makes room for others and may mean a cancel, and when tasks are silent.
   */
  #askWhereDue(): void {
    const now = performance.now();
    const { ends } = this.#tasks;
    const silent = this.#tasks.isSilent() && now - this.#polledSoonAt > SILENT_AFTER_MS;
    if (ends === this.#endsSeen && !silent) return;
    this.#endsSeen = ends;
    this.#polledSoonAt = now;
    this.#array.cluster.queue.pollSoon();
  }

  async #report(): Promise<BatchReport | 'again'> {
    const { cluster } = this.#array;
    const job = this.#job.id;
    const {
      fault,
      cancelled: byOthers,
      again,
    }: Settlement = this.#retry.cancelled || job === undefined
      ? { again: false }
      : await settleArray(this.#array, this.#tasks, { job, view: this.#view }, this.#retry);
    cluster.queue.pollSoon();
    if (again) return 'again';
    const { success, failed, cancelled, recorded } = this.#tasks.counts();
    const { busy_ms, means, digest } = this.#tasks.busy();
    const counts = { success, failed, cancelled, busy_ms: Math.round(busy_ms), means, digest };
    if (byOthers)
      throw new ExecutionFault('CANCELLED', { type: 'Cancelled', message: byOthers }, { next: 0, ...counts });
    if (fault && recorded === 0) throw new ExecutionFault(fault.code, fault.error, { next: 0, ...counts });
    return {
      ...counts,
      left: this.#tasks.left(),
      dealing: this.#array.dealing,
    };
  }
}
