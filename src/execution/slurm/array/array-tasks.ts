import { type PositionRange, sliceRanges } from '../../../definition/position-range.js';
import { mergeDigests, type RunDigest } from '../../../definition/run-digest.js';
import { mergeMeans, type RunningMeans } from '../../../definition/running-mean.js';
import type { BatchProgress } from '../../batch-executor.js';
import { isConclusive } from '../queue/states.js';
import type { JobView, TaskStatus } from '../queue/watched-job.js';
import type { ArraySpec, TaskEnd, TaskLive, TaskRun } from '../task/array-spec.js';
import type { TaskEvidence } from './classify-failure.js';
import type { PlannedCells, RecordedCells } from './recorded-cells.js';
import { rangesOf } from './rounds.js';

/** What fits a payload. Planning again finds the rest. */
const MAX_RANGES = 200;
const MAX_RUNS = 20;
/** A task writes every 2 s. */
const STALE_MS = 12_000;

/** An array's tasks, as known from their own files, their records and the scheduler. */
export class ArrayTasks {
  readonly #spec: Pick<ArraySpec, 'ranges' | 'tasks' | 'slots'>;
  readonly #cells: Uint32Array;
  readonly #batch: PlannedCells;
  readonly #recorded: RecordedCells;
  readonly #ends = new Map<number, TaskEnd>();
  readonly #lives = new Map<number, { readonly live: TaskLive; readonly seenAt: number }>();
  /** What earlier incarnations of tasks reported, for time and means. */
  readonly #past = new Map<string, TaskLive>();
  /** Tasks that reported their own final end. */
  readonly #ended = new Set<number>();

  /**
   * @param cells the cells of the array's positions, in order
   * @param batch all cells of its batch: an array of a later round does only some of them
   */
  constructor(
    spec: Pick<ArraySpec, 'ranges' | 'tasks' | 'slots'>,
    cells: Uint32Array,
    recorded: RecordedCells,
    batch: PlannedCells,
  ) {
    this.#spec = spec;
    this.#cells = cells;
    this.#batch = batch;
    this.#recorded = recorded;
  }

  get ended(): ReadonlySet<number> {
    return this.#ended;
  }

  /** Number of known ends. */
  get ends(): number {
    return [...this.#past.values()].filter((each) => 'how' in each).length;
  }

  noteEnd(end: TaskEnd): void {
    const { task, restart } = end;
    this.#past.set(`${task}.${restart}`, end);
    if ((this.#ends.get(task)?.restart ?? -1) > restart) return;
    this.#ends.set(task, end);
    // A task that is preempted, or whose node is shut down, gets the same signal as a cancelled one, and may come back.
    if (end.how !== 'signal' && end.how !== 'time' && (this.#lives.get(task)?.live.restart ?? 0) <= restart)
      this.#ended.add(task);
  }

  noteLive(live: TaskLive): void {
    const { task, restart } = live;
    const before = this.#lives.get(task);
    const same = before?.live.restart === restart && before.live.updated_at === live.updated_at;
    this.#lives.set(task, { live, seenAt: same ? before.seenAt : performance.now() });
    if (!('how' in (this.#past.get(`${task}.${restart}`) ?? {}))) this.#past.set(`${task}.${restart}`, live);
    if (restart > (this.#ends.get(task)?.restart ?? restart)) this.#ended.delete(task);
  }

  /** Whether nothing more is expected: the end of every task is known, from itself or from the scheduler. */
  isOver(view: JobView): boolean {
    for (let task = 0; task < this.#spec.tasks; task++)
      if (!this.#ended.has(task) && !this.#isGone(view, task)) return false;
    return true;
  }

  /** Whether a task that ran has reported nothing for a while: the scheduler may know why. */
  isSilent(): boolean {
    const now = performance.now();
    for (const [task, { seenAt }] of this.#lives)
      if (!this.#ended.has(task) && now - seenAt > STALE_MS) return true;
    return false;
  }

  /** Whether all records that tasks report as done are here. */
  isComplete(): boolean {
    return this.#recorded.count(this.#cells).recorded >= this.busy().runs;
  }

  /** Whether every position is recorded, and counted in a task's report. */
  isDone(): boolean {
    const positions = this.#cells.length;
    return this.busy().runs >= positions && this.#recorded.count(this.#cells).recorded === positions;
  }

  /** Tasks that have not reported their end: their records may arrive late. */
  unreported(): number[] {
    return [...Array(this.#spec.tasks).keys()].filter((task) => !this.#lastEnd(task));
  }

  hasUnreported(): boolean {
    return this.unreported().length > 0;
  }

  counts() {
    return this.#recorded.count(this.#batch.cells);
  }

  busy(): {
    readonly busy_ms: number;
    readonly means: RunningMeans;
    readonly digest: RunDigest;
    readonly runs: number;
  } {
    let busy_ms = 0;
    let runs = 0;
    let means: RunningMeans = {};
    let digest: RunDigest = {};
    for (const each of this.#past.values()) {
      busy_ms += each.busy_ms;
      runs += each.success + each.failed + each.cancelled;
      means = mergeMeans(means, each.means);
      digest = mergeDigests(digest, each.digest);
    }
    return { busy_ms, means, digest, runs };
  }

  progress(view: JobView): Pick<
    BatchProgress,
    'success' | 'failed' | 'cancelled' | 'means' | 'digest' | 'pending' | 'running' | 'runs'
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
          if (runs.length < MAX_RUNS) runs.push({ position, started_at, progress: null });
      } else pending++;
    }
    const { means, digest } = this.busy();
    return { success, failed, cancelled, means, digest, pending, running, runs, reason };
  }

  /** Whether tasks were restarted after they had begun: accounting may know what ended them before. */
  get hasRestarted(): boolean {
    return [...this.#past.values()].some(({ restart }) => restart > 0);
  }

  /** What is known of each task, for classifying what it left. */
  *evidence(view: JobView): Generator<{ readonly task: number; readonly evidence: TaskEvidence }> {
    const all = [...this.#recorded.missingOf({ ranges: this.#spec.ranges, cells: this.#cells })];
    for (let task = 0; task < this.#spec.tasks; task++) {
      const told = this.#lastEnd(task) ?? this.#lives.get(task)?.live;
      const held = (told?.holds ?? []).map((range) => [...this.#recorded.missingOf(this.#held(range))]);
      // It has failed before it could take any.
      const isIdle = !told || (held.length === 0 && 'fault' in told && told.fault !== null);
      const missing = isIdle ? all : held.flat();
      const end = withoutRecorded(this.#lastEnd(task), missing);
      const live = withoutRecorded(this.#lives.get(task)?.live, missing);
      const status: TaskStatus | undefined = view.tasks.get(task);
      const first = held.flatMap(([position]) => position ?? []).slice(0, this.#spec.slots);
      yield { task, evidence: { status, end, live, missing: missing.length, first } };
    }
  }

  /** Positions of the batch without a record, ascending. @param most the most ranges */
  left(most = MAX_RANGES): PositionRange[] {
    return rangesOf(this.#recorded.missingOf(this.#batch), most);
  }

  #held({ from, to }: PositionRange): PlannedCells {
    return { ranges: sliceRanges(this.#spec.ranges, from, to), cells: this.#cells.subarray(from, to) };
  }

  /** A requeued task's earlier incarnation reported only about its own runs. */
  #lastEnd(task: number): TaskEnd | undefined {
    const end = this.#ends.get(task);
    return end && (this.#lives.get(task)?.live.restart ?? 0) > end.restart ? undefined : end;
  }

  #isGone({ tasks }: JobView, task: number): boolean {
    const status = tasks.get(task);
    return status !== undefined && isConclusive(status.meaning);
  }
}

/** A task's report may be older than its runs' last records. */
function withoutRecorded<T extends TaskEnd | TaskLive>(
  told: T | undefined,
  missing: readonly number[],
): T | undefined {
  if (!told) return undefined;
  const isMissing = ({ position }: TaskRun) => missing.includes(position);
  const cut = 'cut' in told ? { cut: told.cut.filter(isMissing) } : {};
  return { ...told, slots: told.slots.filter(isMissing), ...cut };
}
