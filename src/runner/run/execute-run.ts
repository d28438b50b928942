import type { ErrorDescription } from '../../definition/errors.js';
import { isThenable } from '../../definition/type-guards.js';
import type { Cell } from '../../identity/cells.js';
import type { Outcome } from '../../storage/file/formats/record-line.js';
import type { OperationHost } from '../hosts/operation-host.js';
import type { PrintedOutput } from '../outputs/printed-output.js';
import type { RunOutputs } from '../outputs/run-outputs.js';
import type { ChildProcesses } from '../processes/child-processes.js';
import type { ProcessState } from '../processes/process-state.js';
import { promisesCreated } from '../processes/unhandled-errors.js';
import type { SlotStatusFile } from '../protocol/note.js';
import { describeRunError } from './describe-run-error.js';
import { neverSettles, timeoutInterruption } from './interruptions.js';
import { type Interruption, Run, type RunDependencies } from './run.js';
import { callAsOrigin } from './run-origin.js';
import { formatProcesses, warningsOf } from './run-warnings.js';
import { reseedRandom } from './seeded-random.js';

/**
 * Reading what native code printed costs two system calls, so it is read only after runs that were long enough to start
 * a child process.
 */
const RAW_OUTPUT_MS = 1;
const GIVEN_UP = Symbol('given up');
/**
 * A scheduler that ends a task signals its processes one after another. So a run may fail because its child process was
 * ended, a moment before its own slot gets the signal. Failures of long runs wait this long for the signal.
 */
const SIGNALS_MS = 100;
const LONG_MS = 1_000;
/**
 * If the slot still runs this long after the signal, the task is not ending: Slurm kills the rest of a task 30 s after
 * the signal (KillWait's default), and the task ends its slots after 1 s. A child process of an operation may have sent
 * the signal by `kill 0`.
 */
const OUTSIDE_END_MS = 35_000;

export interface RunExecutorParts {
  readonly host: OperationHost;
  readonly dependencies: RunDependencies;
  readonly note: SlotStatusFile;
  readonly output: PrintedOutput;
  readonly outputs: RunOutputs;
  readonly state: ProcessState;
  readonly children: ChildProcesses;
  /** Whether the slot's channel keeps the event loop going. */
  readonly holdEventLoop: (held: boolean) => void;
  readonly retries: number;
  readonly timeoutMs: number | null;
  /**
   * Whether the slot belongs to a cluster's task: the scheduler may end it, and its runs' child processes, at any time.
   */
  readonly inTask: boolean;
}

export interface RunExecutorEvents {
  /** Called when a run has ended, with the outcome of its last attempt. */
  onOutcome(cell: Cell, outcome: Outcome): void;
  /** Called before the slot waits for an async operation. */
  onWait(): void;
  /**
   * Called if the attempt can only be ended together with the process: writes what is buffered, and exits. Never
   * returns.
   */
  onGiveUp(): never;
}

/** How the operation itself ended, before timeouts, unhandled errors and cancellation are considered. */
interface Settled {
  readonly failed: boolean;
  readonly thrown: unknown;
  /** What it returned or resolved to. */
  readonly returned?: unknown;
}

const SUCCEEDED: Settled = { failed: false, thrown: undefined };

/** Executes one run at a time, with its retries. */
export class RunExecutor {
  current: Run | undefined;
  #startedAt = 0;
  #started = 0;
  /** Monotonic time of the last signal to end the slot. */
  #signalledAt = Number.NEGATIVE_INFINITY;
  /** Settles the run that is awaited. */
  #settleAwaited: ((settled: Settled) => void) | undefined;
  #holdsEventLoop = true;
  readonly #parts: RunExecutorParts;
  readonly #events: RunExecutorEvents;
  readonly #call: (run: Run) => unknown;

  constructor(parts: RunExecutorParts, events: RunExecutorEvents) {
    this.#parts = parts;
    this.#events = events;
    const { host } = parts;
    this.#call = (run) => host.run(run);
  }

  /** @returns a promise only if the operation was async or made promises: an unnecessary await costs 1 µs */
  execute(cell: Cell, firstAttempt: number): Promise<void> | undefined {
    for (let attempt = firstAttempt; ; attempt++) {
      const run = this.#begin(cell, attempt);
      const promises = promisesCreated();
      let result: unknown;
      let settled = SUCCEEDED;
      this.#started = performance.now();
      try {
        result = callAsOrigin(run, this.#call);
      } catch (thrown) {
        settled = { failed: true, thrown };
      }
      if (isThenable(result) || promisesCreated() !== promises || this.#mayBeOutsideEnd(run, settled))
        return this.#settle(run, result, settled);
      if (result !== undefined) settled = { ...settled, returned: result };
      if (!this.#end(run, settled, performance.now())) return undefined;
    }
  }

  /** Records the run in progress as ended by `process.exit`. Returns only if none is in progress. */
  endByExit(exitCode: number): void {
    const run = this.current;
    if (!run) return;
    const thrown = new Error(`the operation ended the process with exit code ${exitCode}`);
    thrown.name = 'ProcessExit';
    this.#giveUp(run, { failed: true, thrown }, exitCode);
  }

  /** Called at a signal: for a while, a failed run stays in progress, in case the parent ends this process. */
  endedFromOutside(): void {
    this.#signalledAt = performance.now();
  }

  /** Called when the awaited run takes long: from then on, it is detected if nothing can settle it any more. */
  releaseEventLoop(): void {
    if (this.#settleAwaited) this.#hold(false);
  }

  eventLoopEmpty(): void {
    this.#hold(true);
    // An operation with the signal may be waiting for it, and the parent can still cancel.
    if (!this.current?.hasSignal) this.#settleAwaited?.({ failed: true, thrown: neverSettles() });
  }

  #hold(held: boolean): void {
    if (held === this.#holdsEventLoop) return;
    this.#holdsEventLoop = held;
    this.#parts.holdEventLoop(held);
  }

  #mayBeOutsideEnd(run: Run, { failed }: Settled): boolean {
    if (!failed || run.interruption || !this.#parts.inTask) return false;
    return this.#outsideEndMs() > 0 || performance.now() - this.#started >= LONG_MS;
  }

  /** How long the task may still be ending, milliseconds. */
  #outsideEndMs(): number {
    return this.#signalledAt + OUTSIDE_END_MS - performance.now();
  }

  async #outlastSignals(): Promise<void> {
    if (this.#outsideEndMs() <= 0) await new Promise((resolve) => setTimeout(resolve, SIGNALS_MS));
    for (let rest = this.#outsideEndMs(); rest > 0; rest = this.#outsideEndMs())
      await new Promise((resolve) => setTimeout(resolve, rest));
  }

  #begin(cell: Cell, attempt: number): Run {
    const { dependencies, note, outputs, state } = this.#parts;
    state.restore();
    const run = new Run(cell, attempt, dependencies);
    outputs.begin(cell, attempt);
    reseedRandom(cell.runId);
    this.#startedAt = Date.now();
    note.running(cell.position, attempt, this.#startedAt);
    this.current = run;
    return run;
  }

  async #settle(run: Run, result: unknown, atOnce: Settled): Promise<void> {
    this.#events.onWait();
    const settled = isThenable(result)
      ? await this.#race(run, result)
      : result === undefined
        ? atOnce
        : { ...atOnce, returned: result };
    const ended = performance.now();
    if (settled !== GIVEN_UP && this.#mayBeOutsideEnd(run, settled)) await this.#outlastSignals();
    if (settled === GIVEN_UP) this.#giveUp(run, SUCCEEDED, null);
    // Stray rejections of the run are reported before the next turn of the event loop.
    await new Promise(setImmediate);
    if (this.#end(run, settled, ended)) await this.execute(run.cell, run.attempt + 1);
  }

  async #race(run: Run, result: PromiseLike<unknown>): Promise<Settled | typeof GIVEN_UP> {
    const { timeoutMs } = this.#parts;
    const timers: NodeJS.Timeout[] = [];
    if (timeoutMs !== null) {
      const rest = timeoutMs - (performance.now() - this.#started);
      timers.push(longTimeout(() => run.interrupt(timeoutInterruption(timeoutMs)), rest).unref());
    }
    try {
      return await Promise.race([
        Promise.resolve(result).then(
          (returned) => (returned === undefined ? SUCCEEDED : { ...SUCCEEDED, returned }),
          (thrown: unknown) => ({ failed: true, thrown }),
        ),
        new Promise<Settled | typeof GIVEN_UP>((resolve) => {
          this.#settleAwaited = resolve;
          run.onInterruption(({ graceMs }) => timers.push(setTimeout(resolve, graceMs, GIVEN_UP)));
        }),
      ]);
    } finally {
      this.#settleAwaited = undefined;
      this.#hold(true);
      for (const timer of timers) clearTimeout(timer);
    }
  }

  /** @returns whether to try the run again */
  #end(run: Run, settled: Settled, ended: number): boolean {
    const { output, retries, timeoutMs, outputs, children } = this.#parts;
    const durationMs = ended - this.#started;
    const left = children.end();
    if (left && left.ended.length > 0)
      outputs.log('warn', `ended what the run left behind: ${formatProcesses(left.ended)}`);
    if (durationMs >= RAW_OUTPUT_MS) output.takeRaw();
    output.endLines();
    run.close();
    this.current = undefined;
    const { status, error } = statusOf(
      run.interruption ?? lateTimeout(settled, durationMs, timeoutMs),
      settled,
    );
    if (status === 'failed' && run.attempt <= retries) {
      outputs.log('warn', `attempt ${run.attempt} failed, trying again: ${error?.type}: ${error?.message}`);
      return true;
    }
    const { attempt, captured: capture } = run;
    const warnings = warningsOf(left, status === 'success' ? settled.returned : undefined, capture);
    if (warnings) for (const warning of warnings) outputs.log('warn', warning);
    const startedAt = this.#startedAt;
    this.#events.onOutcome(run.cell, {
      status,
      attempt,
      startedAt,
      finishedAt: Date.now(),
      durationMs,
      error,
      capture,
      warnings,
    });
    return false;
  }

  #giveUp(run: Run, settled: Settled, exitCode: number | null): never {
    if (this.#end(run, settled, performance.now())) this.#parts.note.givenUp(exitCode);
    this.#events.onGiveUp();
  }
}

/** The thread was blocked past its timeout, but came back: it has still timed out. */
function lateTimeout(
  settled: Settled,
  durationMs: number,
  timeoutMs: number | null,
): Interruption | undefined {
  return !settled.failed && timeoutMs !== null && durationMs > timeoutMs
    ? timeoutInterruption(timeoutMs)
    : undefined;
}

function statusOf(
  interruption: Interruption | undefined,
  settled: Settled,
): { status: Outcome['status']; error: ErrorDescription | null } {
  if (interruption) return interruption;
  return settled.failed
    ? { status: 'failed', error: describeRunError(settled.thrown) }
    : { status: 'success', error: null };
}

/** `setTimeout` of more than 24.8 days would fire at once. */
const longTimeout = (listener: () => void, ms: number) => setTimeout(listener, Math.min(ms, 2 ** 31 - 1));
