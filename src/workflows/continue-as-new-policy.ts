import { patched, workflowInfo } from '@temporalio/workflow';
import { CHUNK_BUDGET_MS } from './chunk-size.js';
import type { SubmissionState } from './submission-state.js';

/** Continues as new well below the server's own suggestion: at most 10,000 events in a workflow run. */
const MAX_EVENTS = 6_000;
/** After this many further events, slots stay idle while long runs are waited for. */
const MAX_EXTRA_EVENTS = 3_000;
/** Chunks of short runs, which have a budget of 3 s, have come back by then. */
const SHORT_MS = 5_000;
/** Produces few events however long the wait is; such chunks come back on request. */
const STRETCHED_MS = 3_600_000;

/**
 * Before continue-as-new every chunk has to come back. A run of hours must not keep the other slots idle meanwhile:
 * until it has ended, they get chunks without a budget, which cost no events.
 */
export class ContinueAsNewPolicy {
  readonly #state: SubmissionState;
  readonly #maxEvents: number;
  /** Chunks with long runs, which are waited for; undefined if none are known. */
  #long: ReadonlySet<number> | undefined;
  /** The time at which chunks that have not come back on request count as long. */
  #until: number | undefined;

  constructor(state: SubmissionState, maxEvents = MAX_EVENTS) {
    this.#state = state;
    this.#maxEvents = maxEvents;
  }

  get isDue(): boolean {
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    return continueAsNewSuggested || historyLength > this.#maxEvents;
  }

  /** The budget of chunks that start now, milliseconds; null if none may start. */
  get budgetMs(): number | null {
    if (!this.isDue) return CHUNK_BUDGET_MS;
    this.#look();
    return this.#long ? STRETCHED_MS : null;
  }

  /** How long to wait for chunks before `budgetMs` changes, milliseconds; undefined: for ever. */
  get patienceMs(): number | undefined {
    return this.#until === undefined ? undefined : Math.max(1, this.#until - Date.now());
  }

  #look(): void {
    const { handedOut, hasRanges, slots } = this.#state;
    const isUtmost =
      workflowInfo().historyLength > this.#maxEvents + Math.min(this.#maxEvents, MAX_EXTRA_EVENTS);
    if (handedOut.size === 0 || isUtmost) this.#set(undefined, undefined);
    else if (this.#long) {
      const goOn = [...this.#long].some((chunk) => handedOut.has(chunk));
      // Nothing is left for a free slot: chunks give back what they have not begun, and it is handed out again.
      if (goOn) this.#state.yields = !hasRanges && handedOut.size < slots;
      else this.#set(undefined, Date.now() + SHORT_MS);
    } else if (!hasRanges) this.#until = undefined;
    else if (this.#until === undefined) {
      if (patched('long-runs-leave-no-slot-idle')) this.#set(undefined, Date.now() + SHORT_MS);
    } else if (Date.now() >= this.#until) this.#set(new Set(handedOut.keys()), undefined);
  }

  #set(long: ReadonlySet<number> | undefined, until: number | undefined): void {
    this.#long = long;
    this.#until = until;
    this.#state.yields = long === undefined;
  }
}
