import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities, ExecuteResult, SettleInput } from '../activities/contract.js';
import { CHUNK_BUDGET_MS } from './chunk-size.js';
import { FAULT, SLOT_QUEUE } from './contract.js';
import type { ExperimentInput } from './experiment-workflow.js';
import type { Range } from './ranges.js';
import { Showcase } from './showcase.js';
import type { SubmissionQueue } from './submission-queue.js';
import type { SubmissionState } from './submission-state.js';

/** Continue-as-new well below the server's own suggestion: at most 10,000 events a workflow run. */
const MOST_EVENTS = 6_000;
/** Rounds without progress before a submission is given up. */
const MOST_BARREN_ROUNDS = 3;

/** A payload holds refs and counts, no long lists. */
const MOST_QUEUED_TOLD = 50;

const { plan, settle, probe } = proxyActivities<Pick<Activities, 'plan' | 'settle' | 'probe'>>({
  startToCloseTimeout: '1 day',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '500ms', maximumInterval: '30s' },
});

const { execute } = proxyActivities<Pick<Activities, 'execute'>>({
  taskQueue: SLOT_QUEUE,
  startToCloseTimeout: '365 days',
  heartbeatTimeout: '20s',
  retry: { initialInterval: '200ms', maximumInterval: '30s' },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

/** Carries one submission out: plan, hand out ranges, settle, until nothing is missing. */
export class Sweep {
  readonly #input: ExperimentInput;
  readonly #state: SubmissionState;
  readonly #queue: SubmissionQueue;
  readonly #showcase: Showcase;
  /** Why slots can't do this submission's runs at all, once a chunk said so. */
  #hopeless: string | undefined;

  constructor(input: ExperimentInput, state: SubmissionState, queue: SubmissionQueue) {
    this.#input = input;
    this.#state = state;
    this.#queue = queue;
    this.#showcase = new Showcase(input, state, queue);
  }

  async carryOut(): Promise<'settled' | 'continue-as-new'> {
    try {
      if (!this.#state.plan) await this.#plan();
      for (;;) {
        if ((await this.#handOut()) === 'continue-as-new') return 'continue-as-new';
        if (await this.#settle()) return 'settled';
      }
    } catch (failure) {
      if (isCancellation(failure)) {
        await CancellationScope.nonCancellable(() => this.abandon('cancelled', 'the workflow was cancelled'));
        throw failure;
      }
      const cause = faultOf(failure);
      if (cause?.type !== FAULT.execution && cause?.type !== FAULT.brokenSubmission) throw failure;
      await this.abandon('failed', cause.message);
      return 'settled';
    }
  }

  get #ref() {
    const { store, experiment_id } = this.#input;
    return { store, experiment_id, submission: this.#state.request.submission };
  }

  async #plan(): Promise<void> {
    this.#showcase.show('planning');
    const { declaration, options } = this.#state.request;
    const requests = this.#queue.requests.map(({ submission }) => submission);
    const queued = requests.length <= MOST_QUEUED_TOLD ? requests : null;
    const summary = `plan ${this.#input.experiment_id}`;
    const planned = await this.#onceWritable(() =>
      plan.executeWithOptions({ summary }, [{ ...this.#ref, declaration, options, queued }]),
    );
    this.#state.planned(planned);
  }

  /** Keeps every slot busy until nothing is left to hand out and every chunk has come back. */
  async #handOut(): Promise<'done' | 'continue-as-new'> {
    const state = this.#state;
    while (state.hasRanges || state.chunks > 0) {
      const mayStart = state.phase === 'running' && !isContinueAsNewDue() && this.#hopeless === undefined;
      while (mayStart && state.chunks < state.window) {
        const range = state.nextChunk();
        if (!range) break;
        void this.#chunk(range);
      }
      this.#showcase.show(state.phase);
      const { chunks } = state;
      if (chunks > 0) await condition(() => state.chunks < chunks);
      else if (this.#hopeless !== undefined)
        throw ApplicationFailure.nonRetryable(this.#hopeless, FAULT.execution);
      else if (isContinueAsNewDue()) return 'continue-as-new';
      else await this.#waitUntilWritable();
    }
    return 'done';
  }

  async #chunk(range: Range): Promise<void> {
    const state = this.#state;
    const input = {
      ...this.#ref,
      declaration: state.request.declaration,
      ...range,
      budget_ms: CHUNK_BUDGET_MS,
    };
    const summary =
      range.to - range.from === 1 ? `run at ${range.from}` : `runs ${range.from} … ${range.to - 1}`;
    let result: ExecuteResult | undefined;
    try {
      result = await execute.executeWithOptions({ summary }, [input]);
    } catch (failure) {
      const cause = faultOf(failure);
      result = cause?.details?.[0] as ExecuteResult | undefined;
      if (cause?.type === FAULT.storeUnwritable) this.#wait(cause.message);
      else if (!isCancellation(failure)) this.#hopeless = cause?.message ?? String(failure);
    } finally {
      state.chunkEnded(range, result);
    }
  }

  /** Plans again: what has no record goes round, while there is progress. @returns whether it is all done */
  async #settle(): Promise<boolean> {
    const state = this.#state;
    if (state.barrenRounds >= MOST_BARREN_ROUNDS) {
      await this.abandon(
        'failed',
        `some runs were executed ${MOST_BARREN_ROUNDS} times and have no record in the store`,
      );
      return true;
    }
    state.phase = 'settling';
    const input: SettleInput = { ...this.#ref, started_at: state.startedAt, abandon: null };
    const settled = await this.#onceWritable(() =>
      settle.executeWithOptions({ summary: 'count what is recorded' }, [input]),
    );
    if (settled.outcome) this.#showcase.show(settled.outcome.state);
    else state.goRound(settled.missing, settled.recorded);
    return settled.outcome !== null;
  }

  /** Ends the submission with runs missing. What was recorded stays, and another submit does the rest. */
  async abandon(how: 'cancelled' | 'failed', reason: string): Promise<void> {
    const state = this.#state;
    await condition(() => state.chunks === 0);
    await settle({ ...this.#ref, started_at: state.startedAt, abandon: { state: how, reason } });
    this.#showcase.show(how);
  }

  #wait(reason: string): void {
    this.#state.phase = 'waiting';
    this.#state.reason = reason;
  }

  async #onceWritable<T>(activity: () => Promise<T>): Promise<T> {
    for (;;) {
      const { phase } = this.#state;
      try {
        return await activity();
      } catch (failure) {
        const cause = faultOf(failure);
        if (cause?.type !== FAULT.storeUnwritable) throw failure;
        this.#wait(cause.message);
        await this.#waitUntilWritable();
        this.#state.phase = phase;
      }
    }
  }

  /** The store can't be written: nothing recorded is lost, nothing more starts, and it goes on by itself when it can. */
  async #waitUntilWritable(): Promise<void> {
    const state = this.#state;
    for (let seconds = 1; state.phase === 'waiting'; seconds = Math.min(60, seconds * 2)) {
      this.#showcase.show('waiting');
      await sleep(seconds * 1000);
      state.reason = await probe({ store: this.#input.store });
      if (state.reason === null) state.phase = 'running';
    }
  }
}

function faultOf(failure: unknown): ApplicationFailure | undefined {
  const cause = failure instanceof ActivityFailure ? failure.cause : failure;
  return cause instanceof ApplicationFailure ? cause : undefined;
}

function isContinueAsNewDue(): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return continueAsNewSuggested || historyLength > MOST_EVENTS;
}
