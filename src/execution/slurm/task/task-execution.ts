import { describeError } from '../../../definition/errors.js';
import type { LostRun } from '../../../runner/protocol/protocol.js';
import { ExecutionFault, NOTHING_DONE } from '../../execution-fault.js';
import type { Executor, RangeProgress, RangeRequest } from '../../executor.js';
import { RangeExecution } from '../../local/execute-range.js';
import { SlotPool, type SlotPoolOptions } from '../../local/slot-pool.js';
import type { TaskFault } from './array-spec.js';
import type { StopReason, StopWatch } from './stop-watch.js';
import type { TaskBoard } from './task-board.js';
import type { Piece, WorkQueue } from './work-queue.js';

/** A slot this far past its piece's time begins no run after the current one: others may do what follows. */
const PAST_DUE_MS = 250;
/**
 * Once Slurm has announced the task's end: runs that end within this time are recorded, others are cut. By default
 * Slurm waits 30 s.
 */
const GRACE_MS = 1_000;

export interface TaskPlace extends Omit<RangeRequest, 'order'> {
  readonly slots: number;
  readonly pool: SlotPoolOptions;
}

/** Where a task reports its state, and learns that it is to stop. */
interface TaskWords {
  readonly board: TaskBoard;
  readonly watch: StopWatch;
}

/** A task's slots at work: each takes pieces off the queue until there is none or the task is stopped. */
export class TaskExecution {
  fault: TaskFault | undefined;
  /** Runs that were in progress when the task had to end. */
  readonly cut: LostRun[] = [];
  readonly #place: TaskPlace;
  readonly #queue: WorkQueue;
  readonly #board: TaskBoard;
  readonly #pool: SlotPool;
  readonly #listeners = new Set<(how: 'yield' | 'cancel') => void>();
  readonly #signal: Parameters<Executor['execute']>[1]['signal'];
  #stopped: 'yield' | 'cancel' | undefined;
  #graceTimer: NodeJS.Timeout | undefined;

  constructor(place: TaskPlace, queue: WorkQueue, { board, watch }: TaskWords) {
    this.#place = place;
    this.#queue = queue;
    this.#board = board;
    this.#pool = new SlotPool(place.pool);
    this.#signal = {
      onStop: (listener) => {
        if (this.#stopped) listener(this.#stopped);
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
    watch.onStop((reason) => this.#onStop(reason));
  }

  async run(): Promise<void> {
    try {
      await Promise.all(Array.from({ length: this.#place.slots }, () => this.#useSlot()));
    } finally {
      clearTimeout(this.#graceTimer);
      await this.#pool.close();
      await this.#queue.close();
    }
  }

  #onStop(reason: StopReason): void {
    // Pending tasks go on after a pause. Others may be gone when a signal comes, and cancelled runs are not wanted.
    this.#stop(reason === 'cancel' ? 'cancel' : 'yield', reason === 'yield');
    if (reason !== 'signal' && reason !== 'time') return;
    this.#pool.drain();
    this.#graceTimer ??= setTimeout(() => void this.#pool.close(), GRACE_MS);
  }

  #stop(how: 'yield' | 'cancel', givesBack: boolean): void {
    if (this.#stopped !== 'cancel') this.#stopped = how;
    this.#queue.stop(givesBack);
    for (const listener of this.#listeners) listener(how);
  }

  async #useSlot(): Promise<void> {
    for (let piece = await this.#queue.next(); piece; piece = await this.#queue.next())
      await this.#execute(piece);
  }

  /** Does a piece, or the part that a long run does not hold back, and gives back the rest. */
  async #execute(piece: Piece): Promise<void> {
    const { slots: _, pool: __, ...place } = this.#place;
    const { from, to } = piece.range;
    const range = { ...place, order: { from, to, budget_ms: Math.max(0, piece.due - performance.now()) } };
    // Each isolated run takes the time to start a process.
    let began = place.isolate ? performance.now() : undefined;
    let endPiece = () => {};
    let isEnding = false;
    const options = {
      signal: {
        onStop: (listener: (how: 'yield' | 'cancel') => void) => {
          endPiece = () => listener('yield');
          return this.#signal.onStop(listener);
        },
      },
      onProgress: (progress: RangeProgress) => {
        this.#board.show(piece, progress);
        const position = progress.running?.position;
        if (position === undefined || performance.now() < piece.due + PAST_DUE_MS) return;
        // By the next look its slot knows, and this is the last run that it has begun.
        if (isEnding) this.#queue.giveBackBehind(piece, position);
        else endPiece();
        isEnding = true;
      },
      onBegin: () => {
        began ??= performance.now();
      },
    };
    try {
      const report = await new RangeExecution(range, this.#pool, options).run();
      this.#board.end(piece, report);
      const now = performance.now();
      await this.#queue.done(piece, report.next, now - (began ?? now));
    } catch (thrown) {
      const fault = asFault(thrown, from);
      this.#board.end(piece, fault.report);
      this.cut.push(...fault.cut);
      if (fault.code !== 'CLOSED') {
        this.fault ??= { code: fault.code, message: fault.message };
        this.#stop('yield', false);
      }
      this.#queue.keep(piece, fault.report.next);
    }
  }
}

function asFault(thrown: unknown, next: number): ExecutionFault {
  if (thrown instanceof ExecutionFault) return thrown;
  return new ExecutionFault('TASK', describeError(thrown), { ...NOTHING_DONE, next });
}
