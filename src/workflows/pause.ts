import type { PauseState } from '../contract/workflow.js';

/**
 * Whether an experiment starts further runs. The pause applies to the experiment, not to one submission: queued ones
 * wait too.
 */
export class Pause {
  /** null if it is not paused. */
  state: PauseState | null;

  /** @param carried what continue-as-new carried over; earlier builds wrote the reason alone */
  constructor(carried: PauseState | string | null) {
    this.state = typeof carried === 'string' ? { reason: carried, by: null, at: null } : carried;
  }
}
