import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { ExperimentInput } from '../contract/workflow.js';
import { SEARCH_ATTRIBUTES } from '../definition/search-attributes.js';
import { describeSweep } from './details.js';
import type { Pause } from './pause.js';
import type { SubmissionQueue } from './submission-queue.js';
import type { SubmissionState } from './submission-state.js';

/**
 * Every update of the search attributes is an event in the history: within one phase, this is the shortest time between
 * two.
 */
const EVERY_MS = 5_000;

/** What the Temporal UI shows of a sweep: current details with a table, and search attributes to find it by. */
export class UiPublisher {
  readonly #input: ExperimentInput;
  readonly #state: SubmissionState;
  readonly #queue: SubmissionQueue;
  readonly #pause: Pause;
  #phase = '';
  #shownAt = 0;

  constructor(input: ExperimentInput, state: SubmissionState, queue: SubmissionQueue, pause: Pause) {
    this.#input = input;
    this.#state = state;
    this.#queue = queue;
    this.#pause = pause;
  }

  /** @param outcome the outcome's state, once there is one */
  show(outcome?: string): void {
    const status = this.#state.status(this.#pause.state);
    const phase = outcome ?? status.phase;
    const now = Date.now();
    if (phase === this.#phase && now - this.#shownAt < EVERY_MS) return;
    this.#phase = phase;
    this.#shownAt = now;
    setCurrentDetails(describeSweep(this.#input.experiment_id, phase, status, this.#queue.requests.length));
    if (!this.#input.search_attributes) return;
    const { total, reused, success, failed, cancelled } = status;
    upsertSearchAttributes({
      [SEARCH_ATTRIBUTES.experiment]: [this.#input.experiment_id],
      [SEARCH_ATTRIBUTES.status]: [phase],
      [SEARCH_ATTRIBUTES.total]: [total],
      [SEARCH_ATTRIBUTES.done]: [reused + success + failed + cancelled],
      [SEARCH_ATTRIBUTES.failed]: [failed],
    });
  }
}
