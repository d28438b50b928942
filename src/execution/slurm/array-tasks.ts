import { mergeMeans, type RunningMeans } from '../../definition/running-mean.js';
import type { BatchProgress, PositionRange } from '../batch-executor.js';
import { isConclusive } from './queue/states.js';
import type { JobView, TaskStatus } from './queue/watched-job.js';
import type { RecordedCells } from './recorded-cells.js';
import type { ArraySpec, TaskEnd, TaskLive, TaskRun } from './task/array-spec.js';
import type { TaskEvidence } from './verdicts.js';

/** What fits a payload: the rest is found by planning again. */
const MOST_RANGES = 200;
const MOST_RUNS = 20;
/** A task writes every 2 s. */
const STALE_MS = 12_000;

/** An array's tasks, as far as they, their records and the scheduler tell. */
export class ArrayTasks {
  readonly #spec: Pick<ArraySpec, 'ranges' | 'per_task' | 'tasks'>;
  readonly #cells: Uint32Array;
  readonly #recorded: RecordedCells;
  readonly #ends = new Map<number, TaskEnd>();
  readonly #lives = new Map<number, { readonly live: TaskLive; readonly seenAt: number }>();
  /** What earlier incarnations of tasks did: their own words, for time and means. */
  readonly #past = new Map<string, TaskLive>();
  /** Tasks that said themselves that they ended, for good. */
  readonly #ended = new Set<number>();

  /** @param cells the cells of the array's positions, one after another */
  constructor(
    spec: Pick<ArraySpec, 'ranges' | 'per_task' | 'tasks'>,
    cells: Uint32Array,
    recorded: RecordedCells,
  ) {
    this.#spec = spec;
    this.#cells = cells;
    this.#recorded = recorded;
  }

  get ended(): ReadonlySet<number> {
    return this.#ended;
  }

  /** How many ends are known. */
  get ends(): number {
    return [...this.#past.values()].filter((each) => 'how' in each).length;
  }

  noteEnd(end: TaskEnd): void {
    const { task, restart } = end;
    this.#past.set(`${task}.${restart}`, end);
    if ((this.#ends.get(task)?.restart ?? -1) > restart) return;
    this.#ends.set(task, end);
    // A task that is preempted, or whose node is shut down, gets a signal as one that is cancelled, and may come back.
    if (end.how !== 'signal' && (this.#lives.get(task)?.live.restart ?? 0) <= restart) this.#ended.add(task);
  }

  noteLive(live: TaskLive): void {
    const { task, restart } = live;
    const before = this.#lives.get(task);
    const same = before?.live.restart === restart && before.live.updated_at === live.updated_at;
    this.#lives.set(task, { live, seenAt: same ? before.seenAt : performance.now() });
    if (!('how' in (this.#past.get(`${task}.${restart}`) ?? {}))) this.#past.set(`${task}.${restart}`, live);
    if (restart > (this.#ends.get(task)?.restart ?? restart)) this.#ended.delete(task);
  }

  /** Whether nothing more is to be expected: every task has ended by its own word, or by the scheduler's. */
  isOver(view: JobView): boolean {
    for (let task = 0; task < this.#spec.tasks; task++)
      if (!this.#ended.has(task) && !this.#isGone(view, task)) return false;
    return true;
  }

  /** Whether a task that ran has told nothing for a while: the scheduler may know why. */
  isSilent(): boolean {
    const now = performance.now();
    for (const [task, { seenAt }] of this.#lives)
      if (!this.#ended.has(task) && now - seenAt > STALE_MS) return true;
    return false;
  }

  /** Whether the records of all that tasks say to have done are here. */
  isComplete(): boolean {
    for (const [task, { success, failed, cancelled, recorded_before }] of this.#ends)
      if (this.#recordedOf(task) < success + failed + cancelled + recorded_before) return false;
    return true;
  }

  /** Tasks of which nobody said a last word: their records may come late. */
  hasSpeechless(): boolean {
    for (let task = 0; task < this.#spec.tasks; task++) if (!this.#lastEnd(task)) return true;
    return false;
  }

  counts() {
    return this.#recorded.count(this.#cells);
  }

  get firstStart(): boolean {
    return this.#past.size > 0;
  }

  busy(): { readonly busy_ms: number; readonly means: RunningMeans; readonly runs: number } {
    let busy_ms = 0;
    let runs = 0;
    let means: RunningMeans = {};
    for (const each of this.#past.values()) {
      busy_ms += each.busy_ms;
      runs += each.success + each.failed + each.cancelled;
      means = mergeMeans(means, each.means);
    }
    return { busy_ms, means, runs };
  }

  progress(view: JobView): Pick<
    BatchProgress,
    'success' | 'failed' | 'cancelled' | 'means' | 'pending' | 'running' | 'runs'
  > & {
    readonly reason: string;
  } {
    const { success, failed, cancelled } = this.counts();
    const runs: { position: number; started_at: string; progress: number | null }[] = [];
    let [pending, running, reason] = [0, 0, ''];
    for (let task = 0; task < this.#spec.tasks; task++) {
      if (this.#ended.has(task) || this.#isGone(view, task)) continue;
      const status = view.tasks.get(task);
      const live = this.#lives.get(task)?.live;
      if (status?.meaning === 'pending') {
        pending++;
        reason ||= status.reason;
      } else if (live || status?.meaning === 'running') {
        running++;
        for (const { position, started_at } of live?.slots ?? [])
          if (runs.length < MOST_RUNS) runs.push({ position, started_at, progress: null });
      } else pending++;
    }
    return { success, failed, cancelled, means: this.busy().means, pending, running, runs, reason };
  }

  /** What is known of each task, for judging what it left. */
  *evidence(view: JobView): Generator<{ readonly task: number; readonly evidence: TaskEvidence }> {
    for (let task = 0; task < this.#spec.tasks; task++) {
      const block = this.#block(task);
      const recorded = this.#recordedOf(task);
      const said = this.#lastEnd(task);
      const told = this.#lives.get(task)?.live;
      const before = (said ?? told)?.recorded_before ?? 0;
      // Its word is up to 2 s old: a run that was in progress then may have a record since.
      const end = said && { ...said, cut: this.#unrecorded(said.cut) };
      const live = told && { ...told, slots: this.#unrecorded(told.slots) };
      const status: TaskStatus | undefined = view.tasks.get(task);
      const missing = block.length - recorded;
      yield { task, evidence: { status, end, live, recorded: recorded - before, missing } };
    }
  }

  /** Positions without a record, ascending. */
  left(): PositionRange[] {
    const left: { from: number; to: number }[] = [];
    let at = 0;
    for (const { from, to } of this.#spec.ranges) {
      for (let position = from; position < to; position++, at++) {
        if (this.#recorded.statusOf(this.#cells[at]!) !== undefined) continue;
        const last = left.at(-1);
        if (last?.to === position) last.to++;
        else if (left.length < MOST_RANGES) left.push({ from: position, to: position + 1 });
        else return left;
      }
    }
    return left;
  }

  /** Of a task that was requeued, what its former incarnation said is about that one's runs only. */
  #lastEnd(task: number): TaskEnd | undefined {
    const end = this.#ends.get(task);
    return end && (this.#lives.get(task)?.live.restart ?? 0) > end.restart ? undefined : end;
  }

  #unrecorded(runs: readonly TaskRun[]): TaskRun[] {
    return runs.filter(({ position }) => {
      const cell = this.#cellOf(position);
      return cell === undefined || this.#recorded.statusOf(cell) === undefined;
    });
  }

  #cellOf(position: number): number | undefined {
    let before = 0;
    for (const { from, to } of this.#spec.ranges) {
      if (position >= from && position < to) return this.#cells[before + position - from];
      before += to - from;
    }
    return undefined;
  }

  #block(task: number): Uint32Array {
    const { per_task } = this.#spec;
    return this.#cells.subarray(task * per_task, (task + 1) * per_task);
  }

  #recordedOf(task: number): number {
    return this.#recorded.count(this.#block(task)).recorded;
  }

  #isGone({ tasks }: JobView, task: number): boolean {
    const status = tasks.get(task);
    return status !== undefined && isConclusive(status.meaning);
  }
}
