import type { PauseState, SubmissionRequest } from '../contract/workflow.js';
import type { SubmissionSnapshot } from './submission-snapshot.js';

/** What continue-as-new carries over. Earlier builds did not write the last two fields. */
export interface Carried {
  readonly current: SubmissionSnapshot | null;
  readonly queue: readonly SubmissionRequest[];
  /** Of the experiment. Earlier builds wrote the reason alone. */
  readonly paused?: PauseState | string | null;
  /** Submissions that were cancelled in the queue and have no outcome yet. */
  readonly dropped?: readonly Dropped[];
}

export interface Dropped {
  readonly request: SubmissionRequest;
  readonly reason: string;
}
