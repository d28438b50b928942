import { setTimeout as sleep } from 'node:timers/promises';
import { countPositions, type PositionRange, sliceRanges } from '../../../definition/position-range.js';
import type { ArraySpec } from './array-spec.js';
import type { FreeRanges } from './free-ranges.js';

/** A task takes what its slots do in about this time. */
const TAKE_MS = 2_000;
/** Less than this would take longer to take than to do. */
const MIN_TAKE_MS = 100;
/** What no slot has begun this long after it was taken goes back, for other slots and tasks. */
const HOLD_MS = 4_000;
/** Less, where it was expected to be done much earlier: twice that time, but at least this. */
const MIN_HOLD_MS = 250;
/** A task that finds nothing free waits this long for what others may give back. */
const LINGER_MS = 6_000;
const LOOK_MS = 500;

/** Consecutive positions that one slot does. */
export interface Piece {
  readonly range: PositionRange;
  /** What is left of them is no longer this slot's from here on. Counted like what tasks take. */
  to: number;
  readonly from: number;
  /** When what is not begun goes back, on this process's monotonic clock. */
  readonly due: number;
}

export interface WorkQueueOptions {
  readonly spec: Pick<ArraySpec, 'ranges' | 'tasks' | 'slots' | 'chunk_size'>;
  readonly free: Pick<FreeRanges, 'take' | 'giveBack'>;
  /** No run may be in progress after this time, on this process's monotonic clock. */
  readonly deadline: number;
  /** What an earlier incarnation of the task held and did not record. */
  readonly held: readonly PositionRange[];
  /** Whether every task of the array has begun. */
  readonly allBegun: () => Promise<boolean>;
  /** Called when it has taken positions, before one begins, and before it gives some back. */
  readonly onChange: () => Promise<void>;
}

/**
 * What a task has taken of its array's positions, given to its slots in pieces. It takes more when nothing is left of
 * that, and gives back what turns out to take longer than expected. Its ranges are of the array's positions, counted
 * from 0.
 */
export class WorkQueue {
  /** Why nothing could be taken. */
  error: unknown;
  /** Whether nothing was left to take. */
  isDone = false;
  readonly #options: WorkQueueOptions;
  /** With few positions, no task holds more than its slots have begun: nothing is ever given back. */
  readonly #takesMany: boolean;
  /** Taken, and about to be reported: no run of it may begin before. */
  #unreported: readonly PositionRange[] = [];
  /** Taken and reported, and no slot has it. */
  #local: readonly PositionRange[];
  /** Left by slots, and not to be done by this task any more. */
  #kept: PositionRange[] = [];
  readonly #out = new Set<Piece>();
  #due = 0;
  #taken = 0;
  /** The duration of a run, including what it takes to start it: lately, and at most. */
  #runMs: number | undefined;
  #longestMs = 0;
  #taking: Promise<boolean> | undefined;
  /** What is being given back while runs are in progress. */
  #returning: Promise<unknown> = Promise.resolve();
  #stopped = false;
  #givesBack = true;

  constructor(options: WorkQueueOptions) {
    const { ranges, tasks, slots } = options.spec;
    this.#options = options;
    this.#takesMany = countPositions(ranges) >= 4 * tasks * slots;
    this.#local = options.held;
    this.#taken = countPositions(options.held);
    this.#due = performance.now() + HOLD_MS;
  }

  /** What is taken and not given back: first what slots have, of which the front may be done. */
  get holds(): PositionRange[] {
    const all = [...this.#out, ...this.#kept, ...this.#local, ...this.#unreported];
    return all.filter(({ from, to }) => from < to).map(({ from, to }) => ({ from, to }));
  }

  /** @returns undefined if there is no more */
  async next(): Promise<Piece | undefined> {
    while (!this.#stopped) {
      if (this.#isTimeUp()) {
        await this.close();
        return undefined;
      }
      if (this.#local.length > 0) return this.#hand();
      this.#taking ??= this.#take().finally(() => {
        this.#taking = undefined;
      });
      if (!(await this.#taking)) return undefined;
    }
    return undefined;
  }

  /**
   * @param next the piece's first position in the plan that is not done
   * @param took how long its slot was busy with it
   */
  async done(piece: Piece, next: number, took: number): Promise<void> {
    const done = next - piece.range.from;
    if (done > 0) {
      this.#runMs = took / done;
      this.#longestMs = Math.max(this.#longestMs, this.#runMs);
    }
    const left = { from: piece.from + done, to: piece.to };
    piece.to = Math.min(piece.to, left.from);
    await this.#giveBack([left]);
    this.#out.delete(piece);
  }

  /** The slot failed, or the task is being ended: what it did not do stays the task's, for its report. */
  keep(piece: Piece, next: number): void {
    this.#out.delete(piece);
    this.#kept.push({ from: piece.from + next - piece.range.from, to: piece.to });
  }

  /** Other slots and tasks may have what waits behind a run that takes long. Its slot must begin none of that. */
  giveBackBehind(piece: Piece, position: number): void {
    const next = piece.from + position + 1 - piece.range.from;
    const late = [{ from: next, to: piece.to }, ...this.#local];
    piece.to = Math.min(piece.to, next);
    this.#local = [];
    this.#returning = Promise.all([this.#returning, this.#giveBack(late)]);
  }

  /** Hands out nothing more. @param givesBack whether others are to have what is not begun, now */
  stop(givesBack: boolean): void {
    this.#stopped = true;
    this.#givesBack &&= givesBack;
  }

  /** Gives back what no slot has. */
  async close(): Promise<void> {
    await this.#returning;
    const left = this.#local;
    this.#local = [];
    await this.#giveBack(left);
  }

  #hand(): Piece {
    const [first, ...others] = this.#local;
    const { from } = first!;
    const range = sliceRanges(this.#options.spec.ranges, from, first!.to)[0]!;
    const to = from + range.to - range.from;
    this.#local = to < first!.to ? [{ from: to, to: first!.to }, ...others] : others;
    const piece = { range, from, to, due: Math.min(this.#due, this.#options.deadline) };
    this.#out.add(piece);
    return piece;
  }

  /** Takes positions of the array, or waits for some. @returns false if there are none for this task */
  async #take(): Promise<boolean> {
    const { free, onChange } = this.#options;
    let since: number | undefined;
    while (!this.#stopped && !this.#isTimeUp()) {
      if (!(await this.#isWanted())) return this.#end();
      const range = await free
        .take((count) => this.#wanted(count))
        .then(
          (taken) => {
            this.error = undefined;
            return taken;
          },
          (error: unknown) => {
            this.error = error;
          },
        );
      if (range) {
        this.#unreported = splitRange(range, this.#options.spec.slots);
        this.isDone = false;
        this.#taken += range.to - range.from;
        await onChange();
        this.#local = [...this.#local, ...this.#unreported];
        this.#unreported = [];
        this.#due = performance.now() + this.#holdMs(range.to - range.from);
        return true;
      }
      const waits = this.error !== undefined || (this.#takesMany && this.#taken > 0 && this.#hasOthers());
      const now = performance.now();
      if (!waits || now - (since ?? now) > LINGER_MS) return this.#end();
      if (since === undefined) await onChange();
      since ??= now;
      await sleep(LOOK_MS);
    }
    return false;
  }

  /** Whether other slots or tasks may give back something. */
  #hasOthers(): boolean {
    return this.#options.spec.tasks > 1 || this.#out.size > 0;
  }

  #end(): false {
    this.isDone = this.error === undefined;
    return false;
  }

  /** How many positions to take of those that are free: fewer and fewer, so that all tasks end at the same time. */
  #wanted(free: number): number {
    const { tasks, slots, chunk_size = Number.POSITIVE_INFINITY } = this.#options.spec;
    const most = this.#taken < chunk_size ? chunk_size - this.#taken : free;
    if (this.#runMs === undefined || !this.#takesMany) return Math.min(most, slots - this.#out.size);
    const each = Math.max(this.#runMs, 0.001);
    const share = Math.min(TAKE_MS / each, Math.max(MIN_TAKE_MS / each, free / (2 * tasks * slots)));
    return Math.max(1, Math.min(most, Math.floor(slots * share)));
  }

  #holdMs(positions: number): number {
    if (this.#runMs === undefined) return HOLD_MS;
    const expected = (positions * this.#runMs) / this.#options.spec.slots;
    return Math.min(HOLD_MS, Math.max(MIN_HOLD_MS, 2 * expected));
  }

  /** After `chunk_size` runs the task ends, unless no other task waits for its place. */
  async #isWanted(): Promise<boolean> {
    const { chunk_size = Number.POSITIVE_INFINITY } = this.#options.spec;
    if (this.#taken < chunk_size) return true;
    return chunk_size > 1 && (await this.#options.allBegun());
  }

  /** Whether a run as long as the longest so far would not end in time. */
  #isTimeUp(): boolean {
    return performance.now() + this.#longestMs > this.#options.deadline;
  }

  async #giveBack(ranges: readonly PositionRange[]): Promise<void> {
    const all = ranges.filter(({ from, to }) => from < to);
    if (all.length === 0) return;
    // If the task is requeued in between, it must not do what others have.
    if (this.#givesBack) await this.#options.onChange();
    const left: PositionRange[] = [];
    for (const range of all) {
      if (this.#givesBack && (await this.#isGivenBack(range))) this.#taken -= range.to - range.from;
      else left.push(range);
    }
    if (left.length === 0) return;
    if (this.#stopped) this.#kept.push(...left);
    else {
      // What can't be given back is done by this task.
      this.#local = [...this.#local, ...left];
      this.#due = performance.now() + HOLD_MS;
    }
    await this.#options.onChange();
  }

  #isGivenBack(range: PositionRange): Promise<boolean> {
    return this.#options.free.giveBack(range).then(
      () => true,
      () => false,
    );
  }
}

function splitRange({ from, to }: PositionRange, parts: number): PositionRange[] {
  const size = Math.ceil((to - from) / parts);
  const starts = Array.from({ length: Math.ceil((to - from) / size) }, (_, part) => from + part * size);
  return starts.map((start) => ({ from: start, to: Math.min(to, start + size) }));
}
