import {
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  patched,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  ExecuteInput,
  ExecuteResult,
  SettleInput,
  SettleResult,
  SubmissionRef,
} from '../contract/activities.js';
import type { ExperimentInput } from '../contract/workflow.js';
import { batchQueueOf, FAULT, slotQueueOf } from '../contract/workflow.js';
import { executeOn, faultOf, plan, probe, settle } from './activities.js';
import type { Chunk } from './chunks-in-progress.js';
import { ContinueAsNewPolicy } from './continue-as-new-policy.js';
import type { Control } from './control.js';
import type { Ending } from './ending.js';
import { StoreWait } from './store-wait.js';
import type { SubmissionState } from './submission-state.js';
import { UiPublisher } from './ui-publisher.js';

/** Runs that are in their slots for this long without a report are long ones. */
const LONG_MS = 10_000;
/** An executor whose batches end with nothing done may recover after a while. */
const EMPTY_BATCH_WAIT_MS = 30_000;
/** A submission is given up after so many batches in a row, or times that it was settled, without a new record. */
const MAX_WITHOUT_PROGRESS = 3;

/** The reason in an outcome if somebody cancelled the workflow itself, for example in the Temporal UI. */
export const CANCELLED = 'the workflow was cancelled';

/** A payload must contain refs and counts, no long lists. */
const MAX_QUEUED_LISTED = 50;

/** Carries out one submission: plans, hands out ranges and settles, until nothing is missing. */
export class Sweep {
  readonly #input: ExperimentInput;
  readonly #state: SubmissionState;
  readonly #control: Control;
  readonly #uiPublisher: UiPublisher;
  readonly #continuePolicy: ContinueAsNewPolicy;
  readonly #storeWait: StoreWait;
  /** Why slots can't execute this submission's runs at all, once a chunk has reported it. */
  #hopeless: string | undefined;
  #tooManyFailed = false;

  constructor(input: ExperimentInput, state: SubmissionState, control: Control) {
    this.#input = input;
    this.#state = state;
    this.#control = control;
    this.#continuePolicy = new ContinueAsNewPolicy(state, input.most_events);
    this.#uiPublisher = new UiPublisher(input, state, control);
    this.#storeWait = new StoreWait(state, () => probe(this.#ref));
  }

  show(): void {
    this.#uiPublisher.show();
  }

  async carryOut(): Promise<Ending | 'continue-as-new'> {
    const state = this.#state;
    if (!state.plan) this.#uiPublisher.show();
    try {
      while (state.cancelled === null) {
        if (state.unwritable !== null && state.chunks === 0) {
          if (this.#continuePolicy.isDue && patched('waiting-continues-as-new')) return 'continue-as-new';
          await this.#tryStore();
        } else if (!state.plan) await this.#plan();
        else if (state.hasRanges || state.chunks > 0) {
          if ((await this.#handOut()) === 'continue-as-new') return 'continue-as-new';
        } else {
          const ended = await this.#settle();
          if (ended) return ended;
        }
      }
    } catch (failure) {
      if (!isCancellation(failure)) {
        const cause = faultOf(failure);
        if (cause?.type === FAULT.refused) return this.#refusedFor(cause.message);
        if (cause?.type !== FAULT.execution && cause?.type !== FAULT.brokenSubmission) throw failure;
        return this.abandon('failed', cause.message);
      }
    }
    const ended = await this.abandon('cancelled', state.cancelled ?? CANCELLED);
    // Nobody cancelled it: runs failed.
    return this.#tooManyFailed ? { ...ended, state: 'failed' } : ended;
  }

  /** Ends the sweep as a cancel does, once too many of its runs have failed. */
  endOnFailures(): void {
    const state = this.#state;
    const reason = state.cancelled === null ? state.failuresReached : undefined;
    if (reason === undefined) return;
    this.#tooManyFailed = true;
    state.cancelled = reason;
    this.#control.stop();
  }

  /** Ends the submission with runs missing. Records are kept, and another submit does the rest. */
  async abandon(how: 'cancelled' | 'failed', reason: string): Promise<Ending> {
    const state = this.#state;
    let settled: SettleResult;
    try {
      settled = await CancellationScope.nonCancellable(async () => {
        await condition(() => state.chunks === 0);
        const { startedAt: started_at } = state;
        const { digest } = state.reported.toJSON();
        const input: SettleInput = { ...this.#ref, started_at, digest, abandon: { state: how, reason } };
        for (;;) {
          const result = await this.#storeWait.unlessUnwritable(() => settle(input));
          if (result) return result;
          await this.#tryStore();
        }
      });
    } catch (failure) {
      const cause = faultOf(failure);
      if (cause?.type !== FAULT.refused) throw failure;
      return this.#refusedFor(cause.message);
    }
    this.#uiPublisher.show(how);
    // If its store is gone there is no outcome.
    return settled.outcome ?? this.#endingWithout(how, reason);
  }

  /** Workers do nothing for a submission that is not signed with their key, not even write its outcome. */
  #refusedFor(reason: string): Ending {
    this.#uiPublisher.show('failed');
    return this.#endingWithout('failed', reason);
  }

  #endingWithout(state: 'cancelled' | 'failed', reason: string): Ending {
    const { total, success, failed, cancelled } = this.#state.status(null);
    return { state, reason, total, success, failed, cancelled };
  }

  get #ref(): SubmissionRef {
    const { store, experiment_id } = this.#input;
    return { store, experiment_id, ...this.#state.request };
  }

  async #plan(): Promise<void> {
    const requests = this.#control.queue.requests.map(({ submission }) => submission);
    const queued = requests.length <= MAX_QUEUED_LISTED ? requests : null;
    const summary = `plan ${this.#input.experiment_id}`;
    const planned = await this.#storeWait.unlessUnwritable(() =>
      plan.executeWithOptions({ summary }, [{ ...this.#ref, queued }]),
    );
    if (planned) this.#state.planned(planned);
  }

  /**
   * Keeps every slot busy until nothing is left to hand out and every chunk has come back, or until nothing may start.
   */
  async #handOut(): Promise<'continue-as-new' | undefined> {
    const state = this.#state;
    const control = this.#control;
    while (state.hasRanges || state.chunks > 0) {
      const mayStart = state.unwritable === null && control.pause === null && this.#hopeless === undefined;
      const budgetMs = mayStart ? this.#continuePolicy.budgetMs : null;
      while (budgetMs !== null && state.chunks < state.window) {
        const chunk = state.nextChunk();
        if (!chunk) break;
        void this.#execute(chunk, budgetMs);
      }
      this.#uiPublisher.show();
      const { chunks, offers } = state;
      const paused = control.pause;
      const hasChanged = () => state.chunks < chunks || state.offers !== offers || control.pause !== paused;
      const patienceMs = mayStart ? this.#continuePolicy.patienceMs : undefined;
      if (chunks > 0 && this.#mayExpectNewcomers()) {
        if (!(await condition(hasChanged, LONG_MS))) state.waitsForNewcomers = true;
      } else if (chunks > 0 && patienceMs !== undefined) await condition(hasChanged, patienceMs);
      else if (chunks > 0) await condition(hasChanged);
      else if (this.#hopeless !== undefined)
        throw ApplicationFailure.nonRetryable(this.#hopeless, FAULT.execution);
      else if (state.unwritable !== null) return undefined;
      else if (this.#continuePolicy.isDue) return 'continue-as-new';
      else await condition(() => control.pause !== paused || this.#continuePolicy.isDue);
    }
    return undefined;
  }

  /** Nothing has been reported yet, so no chunk is waiting that a new worker could take. */
  #mayExpectNewcomers(): boolean {
    return (
      !this.#state.batchLimits &&
      this.#state.reported.done === 0 &&
      !this.#state.waitsForNewcomers &&
      patched('newcomers')
    );
  }

  async #execute(chunk: Chunk, budgetMs: number): Promise<void> {
    const state = this.#state;
    const { from, to, ranges } = chunk;
    const { failuresLeft } = state;
    const input: ExecuteInput = {
      ...this.#ref,
      from,
      to,
      budget_ms: budgetMs,
      ...(ranges && { ranges, mean_ms: state.reported.meanMs ?? null }),
      ...(failuresLeft !== undefined && { failures_left: failuresLeft }),
    };
    const { taskQueue } = workflowInfo();
    const execute = executeOn(state.batchLimits ? batchQueueOf(taskQueue) : slotQueueOf(taskQueue));
    let result: ExecuteResult | undefined;
    try {
      result = await execute.executeWithOptions({ summary: summarise(chunk) }, [input]);
    } catch (failure) {
      const cause = faultOf(failure);
      result = cause?.details?.[0] as ExecuteResult | undefined;
      if (cause?.type === FAULT.storeUnwritable) this.#storeWait.begin(cause.message);
      else if (cause?.type === FAULT.cancelled) this.#cancel(cause.message);
      else if (!isCancellation(failure)) this.#hopeless = cause?.message ?? String(failure);
    } finally {
      if (ranges && result) await this.#afterBatch(chunk, result);
      state.chunkEnded(chunk, result);
      this.endOnFailures();
    }
  }

  /** Somebody cancelled it on the cluster. */
  #cancel(reason: string): void {
    this.#state.cancelled ??= reason;
    this.#control.stop();
  }

  /** Positions that batches leave are handed out again, but not for ever if none of them get done. */
  async #afterBatch(chunk: Chunk, result: ExecuteResult): Promise<void> {
    const state = this.#state;
    state.batchEnded(chunk, result);
    const { emptyBatches } = state;
    if (emptyBatches >= MAX_WITHOUT_PROGRESS)
      this.#hopeless ??= `${emptyBatches} batches in a row ended with nothing recorded; the last was job ${result.job}`;
    else if (emptyBatches > 0 && !result.success)
      await sleep(EMPTY_BATCH_WAIT_MS * emptyBatches).catch(() => {});
  }

  /**
   * Plans again: runs without a record are handed out again, as long as there is progress. @returns how it ended, once
   * everything is done
   */
  async #settle(): Promise<Ending | undefined> {
    const state = this.#state;
    if (state.settlesWithoutProgress >= MAX_WITHOUT_PROGRESS)
      return this.abandon(
        'failed',
        `some runs were executed ${MAX_WITHOUT_PROGRESS} times and have no record in the store`,
      );
    state.phase = 'settling';
    const input: SettleInput = {
      ...this.#ref,
      started_at: state.startedAt,
      digest: state.reported.toJSON().digest,
      abandon: null,
    };
    const settled = await this.#storeWait.unlessUnwritable(() =>
      settle.executeWithOptions({ summary: 'count what is recorded' }, [input]),
    );
    if (settled?.outcome) this.#uiPublisher.show(settled.outcome.state);
    else if (settled) state.requeue(settled.missing, settled.recorded);
    return settled?.outcome ?? undefined;
  }

  /** Nothing more starts until the store can be written again; then the sweep continues by itself. */
  async #tryStore(): Promise<void> {
    this.#uiPublisher.show();
    await this.#storeWait.tryAgain();
  }
}

function summarise({ from, to, ranges }: Chunk): string {
  if (to - from === 1) return `run at ${from}`;
  const count = ranges?.reduce((sum, range) => sum + range.to - range.from, 0) ?? to - from;
  return count === to - from ? `runs ${from} … ${to - 1}` : `${count} runs of ${from} … ${to - 1}`;
}
