/** Whether an experiment starts further runs. Of the experiment, not of one submission: what is queued waits too. */
export class Pause {
  /** Why it is paused; null where it isn't. */
  reason: string | null;

  constructor(reason: string | null) {
    this.reason = reason;
  }
}
