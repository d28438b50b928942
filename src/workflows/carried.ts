import type { PauseState, SubmissionRequest } from '../contract/workflow.js';
import type { SubmissionSnapshot } from './submission-snapshot.js';

/** What continue-as-new carries over. Of what earlier builds wrote, the last two are absent. */
export interface Carried {
  readonly current: SubmissionSnapshot | null;
  readonly queue: readonly SubmissionRequest[];
  /** Of the experiment; of what earlier builds wrote, its reason alone. */
  readonly paused?: PauseState | string | null;
  /** Cancelled in the queue, and without an outcome so far. */
  readonly dropped?: readonly Dropped[];
}

export interface Dropped {
  readonly request: SubmissionRequest;
  readonly reason: string;
}
