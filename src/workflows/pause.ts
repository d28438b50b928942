import type { PauseState } from '../contract/workflow.js';

/** Whether an experiment starts further runs. Of the experiment, not of one submission: what is queued waits too. */
export class Pause {
  /** null while it is not paused. */
  state: PauseState | null;

  /** @param carried what continue-as-new carried over; earlier builds wrote the reason alone */
  constructor(carried: PauseState | string | null) {
    this.state = typeof carried === 'string' ? { reason: carried, by: null, at: null } : carried;
  }
}
