import { ApplicationFailure, Context } from '@temporalio/activity';
import type { ExecuteInput } from '../../contract/activities.js';
import { FAULT, isPaused, type SubmissionStatus } from '../../contract/workflow.js';
import type { RangeProgress } from '../../execution/executor.js';
import type { ActivityDependencies } from '../dependencies.js';
import type { StopSignal } from '../stop-signal.js';
import type { ChunkSummary } from './live-board.js';

/**
 * A chunk that waited less than this is still what the workflow intended. If clocks differ, the workflow is asked too
 * often, which takes 10 ms each time.
 */
const WAITED_MS = 300;
/** For chunks with at least this budget, the workflow is asked whether they have to come back sooner. */
const ASKED_FOR_MS = 10_000;
const LOOKS_EVERY_MS = 1_000;
/** Tolerance for a slot that starts a run a little late: it must not start another after announcing that it won't. */
const PAST_BUDGET_MS = 1_000;

/** What a chunk and its workflow tell each other before the chunk ends. */
export class ChunkSession {
  readonly #dependencies: ActivityDependencies;
  readonly #input: ExecuteInput;
  readonly #workflowId: string;
  #timer: NodeJS.Timeout | undefined;
  #began = 0;
  #gaveBack = false;

  constructor(dependencies: ActivityDependencies, input: ExecuteInput) {
    this.#dependencies = dependencies;
    this.#input = input;
    this.#workflowId = Context.current().info.workflowExecution!.workflowId;
    const { offers, worker } = dependencies;
    offers.tell(input.submission, this.#workflowId, lostWorker(worker.id));
  }

  /**
   * Where the chunk ends now: while it waited for a slot, it may have been paused or cancelled, and a chunk whose
   * worker was killed may have given back its end.
   *
   * A worker that was stopped as the chunk came may have lost it to another: the heartbeat finds that out at once, and
   * cancels this attempt.
   *
   * @returns undefined if it may not start
   */
  async end(): Promise<number | undefined> {
    const { submission, from, to } = this.#input;
    const { attempt, currentAttemptScheduledTimestampMs } = Context.current().info;
    const waitedMs = Date.now() - currentAttemptScheduledTimestampMs;
    if (attempt === 1 && Math.abs(waitedMs) < WAITED_MS) return to;
    Context.current().heartbeat({ worker: this.#dependencies.worker.id });
    const status = await this.#dependencies.workflows.current(this.#workflowId);
    if (!status && attempt > 1 && status !== null)
      throw ApplicationFailure.retryable('its workflow does not answer', FAULT.execution);
    if (status?.submission !== submission) return to;
    if (mustYield(status)) return undefined;
    return status.chunk_ends?.[status.chunks.indexOf(from)] ?? to;
  }

  /** A pause and continue-as-new don't wait for a long budget to pass. */
  watch(signal: StopSignal): void {
    if (this.#input.budget_ms <= ASKED_FOR_MS) return;
    this.#timer = setInterval(async () => {
      const status = await this.#dependencies.workflows.current(this.#workflowId, LOOKS_EVERY_MS);
      if (status && mustYield(status)) signal.yield();
    }, LOOKS_EVERY_MS);
  }

  begin(): void {
    this.#began = performance.now();
  }

  /**
   * After the budget, the run in progress is the last: other slots need not wait for it before they do what follows.
   */
  look({ running }: RangeProgress, to: number, signal: StopSignal): void {
    if (!running || this.#gaveBack || running.position + 1 >= to) return;
    if (performance.now() - this.#began < this.#input.budget_ms + PAST_BUDGET_MS) return;
    this.#gaveBack = true;
    signal.yield();
    const { submission, from } = this.#input;
    const notice = { submission, from, next: running.position + 1 };
    void this.#dependencies.workflows.tell(this.#workflowId, notice).then((heard) => {
      this.#gaveBack = heard;
    });
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

const mustYield = (status: SubmissionStatus) =>
  isPaused(status) || status.phase === 'cancelling' || Boolean(status.yields);

/** The worker that had the chunk when its heartbeats ended. */
function lostWorker(self: string): string | null {
  const { attempt, heartbeatDetails } = Context.current().info;
  const before = attempt > 1 ? (heartbeatDetails as Partial<ChunkSummary> | undefined)?.worker : undefined;
  return before === undefined || before === self ? null : before;
}
