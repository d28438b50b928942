import type { Transport } from '../../../transport/transport.js';
import { type ClusterRetry, isTransportError, NoAnswer } from '../cluster-retry.js';
import { type AccountedTask, parseSacct, sacctCommand } from './sacct.js';
import { countJobs, parseSqueue, type QueueEntry, squeueCommand } from './squeue.js';
import { isConclusive, meaningOf } from './states.js';
import { parseJobTasks } from './task-ids.js';
import { type JobView, WatchedJob } from './watched-job.js';

const MIN_MS = 2_000;
const MAX_MS = 60_000;
const GROWTH = 1.6;

/** All of a user's jobs at one moment. */
interface Snapshot {
  readonly entries: readonly QueueEntry[];
  /** Monotonic time of the request. */
  readonly askedAt: number;
}

/** The part of the poller that submitting needs. */
export type QueueWatch = Pick<QueuePoller, 'findByName'>;

/**
 * Polls the queue, once per cluster and process: asks for all of the user's jobs together, and rarely while nothing
 * changes. A failed or malformed answer decides nothing, and neither does a task's absence. A task has ended only if it
 * says so itself, if squeue or sacct gives it such a state, or if the controller says that it knows no such job.
 */
export class QueuePoller {
  readonly #transport: Transport;
  readonly #watched = new Map<string, WatchedJob>();
  readonly #listeners = new Set<() => void>();
  #user: string | undefined;
  #snapshot: Snapshot | undefined;
  #fingerprint = '';
  #interval = MIN_MS;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = 0;
  #polling: Promise<void> | undefined;
  #closed = false;
  /** Since when the scheduler has not answered; null if it answered last time. */
  #silentSince: Date | null = null;
  #answeredAt = new Date();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * @param total how many tasks the array has
   * @param ended grows while the array runs
   * @returns a function that stops watching it
   */
  watch(job: string, total: number, ended: ReadonlySet<number>): () => void {
    const watched = new WatchedJob(total, ended);
    this.#watched.set(job, watched);
    this.pollSoon();
    return () => {
      if (this.#watched.get(job) === watched) this.#watched.delete(job);
      if (this.#watched.size === 0) this.#schedule(0);
    };
  }

  /** A message if the scheduler does not answer: what was known of its queue may be out of date. */
  get silence(): string | null {
    const since = this.#silentSince;
    return since && `Slurm has not answered since ${since.toISOString().slice(0, 19)}Z`;
  }

  view(job: string): JobView {
    return this.#watched.get(job) ?? { tasks: new Map() };
  }

  /** Called after each poll of the queue. */
  onLook(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Something is due: polls soon. */
  pollSoon(): void {
    this.#interval = MIN_MS;
    const soon = this.#snapshot === undefined ? 0 : MIN_MS;
    if (this.#timer === undefined || performance.now() + soon < this.#dueAt) this.#schedule(soon);
  }

  /** How many of the user's jobs count for its limits, from a poll that began after `since`; undefined if it failed. */
  async countJobs(since: number): Promise<number | undefined> {
    const snapshot = await this.#lookSince(since);
    return snapshot?.entries
      .filter(({ state }) => !isConclusive(meaningOf(state)))
      .reduce((count, entry) => count + countJobs(entry), 0);
  }

  /**
   * What accounting has of an array's tasks now, each one's oldest incarnation first. Only for additional detail: it
   * may lag or be absent.
   */
  async account(job: string): Promise<readonly AccountedTask[]> {
    const { exitCode, stdout } = await this.#transport.run(sacctCommand([job]));
    return exitCode === 0 ? parseSacct(stdout) : [];
  }

  /**
   * The job with this name, or with this comment while it is in the queue. Waits until the queue has answered, and accounting if there is any.
   *
   * @returns undefined if both say that there is none
   */
  async findByName(name: string, retry: ClusterRetry): Promise<string | undefined> {
    const since = performance.now();
    const snapshot = await retry.until(async () => {
      const seen = await this.#lookSince(since);
      if (!seen) throw new NoAnswer('squeue did not answer');
      return seen;
    });
    const queued = snapshot.entries.find((entry) => entry.name === name || entry.comment === name);
    if (queued) return queued.job;
    const command = [
      'sacct',
      '--noheader',
      '--parsable2',
      '--allocations',
      '--duplicates',
      `--name=${name}`,
      '--starttime=now-7days',
      '--format=JobID',
    ];
    const { stdout } = await retry.ask(command, {
      isAnswer: ({ exitCode, stderr }) =>
        exitCode === 0 || exitCode === 127 || /accounting storage is disabled/i.test(stderr),
    });
    return /^(\d+)/m.exec(stdout)?.[1];
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #lookSince(since: number): Promise<Snapshot | undefined> {
    for (let tries = 0; tries < 2; tries++) {
      if (this.#snapshot && this.#snapshot.askedAt >= since) return this.#snapshot;
      await this.#poll();
    }
    return this.#snapshot && this.#snapshot.askedAt >= since ? this.#snapshot : undefined;
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#closed || this.#watched.size === 0) return;
    this.#dueAt = performance.now() + ms;
    this.#timer = setTimeout(() => void this.#poll(), ms);
  }

  /** One poll; a second call while it is in progress gets the same promise. */
  #poll(): Promise<void> {
    this.#polling ??= this.#look().finally(() => {
      this.#polling = undefined;
      this.#schedule(this.#interval);
      for (const listener of this.#listeners) listener();
    });
    return this.#polling;
  }

  async #look(): Promise<void> {
    const askedAt = performance.now();
    try {
      this.#user ??= await this.#readUser();
      const entries = await this.#squeue(this.#user);
      if (!entries) {
        this.#silentSince ??= this.#answeredAt;
        return this.#slowDown();
      }
      this.#answeredAt = new Date();
      this.#silentSince = null;
      this.#snapshot = { entries, askedAt };
      this.#note(entries);
      await this.#askForMissing();
      const fingerprint = this.#describe();
      if (fingerprint === this.#fingerprint) this.#slowDown();
      else this.#interval = MIN_MS;
      this.#fingerprint = fingerprint;
    } catch (error) {
      if (!isTransportError(error) && !(error instanceof NoAnswer)) throw error;
      this.#slowDown();
    }
  }

  #slowDown(): void {
    this.#interval = Math.min(MAX_MS, this.#interval * GROWTH);
  }

  async #readUser(): Promise<string> {
    const { stdout, exitCode } = await this.#transport.run(['id', '-un']);
    const user = stdout.trim();
    if (exitCode !== 0 || user === '') throw new NoAnswer('id -un');
    return user;
  }

  async #squeue(user: string): Promise<QueueEntry[] | undefined> {
    const { exitCode, stdout } = await this.#transport.run(squeueCommand(user));
    return exitCode === 0 ? parseSqueue(stdout) : undefined;
  }

  #note(entries: readonly QueueEntry[]): void {
    const now = performance.now();
    const byJob = new Map<string, QueueEntry[]>();
    for (const entry of entries) {
      const same = byJob.get(entry.job);
      if (same) same.push(entry);
      else byJob.set(entry.job, [entry]);
    }
    for (const [job, watched] of this.#watched) watched.noteQueue(byJob.get(job) ?? [], now);
  }

  /** Tasks that the queue does not show: accounting may know them, and the controller knows whether they exist. */
  async #askForMissing(): Promise<void> {
    const now = performance.now();
    const due = [...this.#watched].filter(([, watched]) => watched.isDue(now));
    if (due.length === 0) return;
    const { exitCode, stdout } = await this.#transport.run(sacctCommand(due.map(([job]) => job)));
    const accounts = exitCode === 0 ? parseSacct(stdout) : [];
    for (const account of accounts) this.#watched.get(account.job)?.noteAccount(account);
    for (const [job, watched] of due) if (watched.wasAsked()) await this.#askController(job, watched);
  }

  /**
   * A task that was cancelled before it began leaves no trace of its own: squeue, sacct and scontrol show the array
   * without it (Slurm 22.05). What counts is the controller's answer: either an array's tasks or that it knows no such
   * job.
   */
  async #askController(job: string, watched: WatchedJob): Promise<void> {
    const command = ['env', 'LC_ALL=C', 'SLURM_BITSTR_LEN=0', 'scontrol', '--oneliner', 'show', 'job', job];
    const { exitCode, stdout, stderr } = await this.#transport.run(command);
    const forgotten = /invalid job id/i.test(stderr) ? [] : undefined;
    const known = exitCode === 0 ? parseJobTasks(stdout, job) : forgotten;
    if (known) watched.noteController(known);
  }

  #describe(): string {
    const counts: { [key: string]: number } = {};
    for (const [job, { tasks }] of this.#watched)
      for (const { state } of tasks.values())
        counts[`${job} ${state}`] = (counts[`${job} ${state}`] ?? 0) + 1;
    return JSON.stringify(counts);
  }
}
