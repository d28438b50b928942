import type { AccountedTask } from './sacct.js';
import type { QueueEntry } from './squeue.js';
import { isConclusive, type Meaning, meaningOf } from './states.js';
import { eachTaskId, type TaskIds } from './task-ids.js';

/** What the scheduler knows of a task. */
export interface TaskStatus {
  readonly meaning: Meaning;
  /** Slurm's own name of it. */
  readonly state: string;
  readonly reason: string;
  readonly nodes: string;
  /** From accounting, if it was asked. */
  readonly accounted: AccountedTask | undefined;
}

/** What is known of an array's tasks; nothing is known of tasks that are not in it. */
export interface JobView {
  readonly tasks: ReadonlyMap<number, TaskStatus>;
}

const MAX_APART_MS = 60_000;
const APART_MS = 2_000;
/** Accounting lags: it is asked this often before the controller's answer counts. */
const ASKED_BEFORE_CONTROLLER = 2;

/** What the scheduler has reported of one array so far. */
export class WatchedJob implements JobView {
  readonly tasks = new Map<number, TaskStatus>();
  readonly #total: number;
  readonly #ended: ReadonlySet<number>;
  /** Tasks that the last poll of the queue showed, in any state; and those of them that have not ended. */
  #shown = new Set<number>();
  #queued = new Set<number>();
  /** Monotonic: since when tasks are missing there, and how often other sources were asked about them. */
  #missingSince: number | undefined;
  #asked = 0;

  /**
   * @param total how many tasks the array has
   * @param ended tasks that have reported their own end: nobody has to ask for them
   */
  constructor(total: number, ended: ReadonlySet<number>) {
    this.#total = total;
    this.#ended = ended;
  }

  /** @param entries everything that the queue shows of this job */
  noteQueue(entries: readonly QueueEntry[], now: number): void {
    this.#shown = new Set();
    this.#queued = new Set();
    for (const { tasks, state, reason, nodes } of entries) {
      const meaning = meaningOf(state);
      for (const task of tasks ? eachTaskId(tasks) : []) {
        this.#shown.add(task);
        if (!isConclusive(meaning)) this.#queued.add(task);
        const accounted = this.tasks.get(task)?.accounted;
        this.tasks.set(task, { meaning, state, reason, nodes, accounted });
      }
    }
    // Tasks that were cancelled before they began are one entry without a list, which says nothing about tasks that
    // ended before.
    for (const { tasks, state, reason } of entries) {
      const meaning = meaningOf(state);
      if (tasks || !isConclusive(meaning)) continue;
      for (let task = 0; task < this.#total; task++)
        if (!this.#shown.has(task) && !this.#isDecided(task))
          this.tasks.set(task, { meaning, state, reason, nodes: '', accounted: undefined });
    }
    this.#missingSince = this.#isAccountedFor() ? undefined : (this.#missingSince ?? now);
  }

  /** The state of a requeued incarnation is conclusive only for that incarnation: the queue shows the next one. */
  noteAccount(accounted: AccountedTask): void {
    const { task, state, nodes } = accounted;
    const meaning = meaningOf(state);
    if (isConclusive(meaning) && !this.#queued.has(task))
      this.tasks.set(task, { meaning, state, reason: '', nodes, accounted });
  }

  /** @param known all tasks that the controller still knows */
  noteController(known: readonly TaskIds[]): void {
    const there = new Set(known.flatMap((ids) => [...eachTaskId(ids)]));
    const gone = {
      meaning: 'cancelled',
      state: 'GONE',
      reason: '',
      nodes: '',
      accounted: undefined,
    } as const;
    for (let task = 0; task < this.#total; task++)
      if (!there.has(task) && !this.#isDecided(task)) this.tasks.set(task, gone);
  }

  /** Whether to ask other sources than the queue about tasks that it does not show: less and less often. */
  isDue(now: number): boolean {
    if (this.#missingSince === undefined) return false;
    return now - this.#missingSince >= Math.min(MAX_APART_MS, this.#asked ** 2 * APART_MS);
  }

  /** Called when accounting was asked. @returns whether to ask the controller, too */
  wasAsked(): boolean {
    return ++this.#asked >= ASKED_BEFORE_CONTROLLER;
  }

  #isAccountedFor(): boolean {
    for (let task = 0; task < this.#total; task++)
      if (!this.#ended.has(task) && !this.#isDecided(task) && !this.#shown.has(task)) return false;
    return true;
  }

  #isDecided(task: number): boolean {
    const status = this.tasks.get(task);
    return status !== undefined && isConclusive(status.meaning);
  }
}
