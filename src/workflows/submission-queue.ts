import type { EnqueueReply, SubmissionRequest } from './contract.js';
import type { SubmissionState } from './submission-state.js';

/** Submissions that wait for the one in progress. No Temporal in it. */
export class SubmissionQueue {
  #requests: SubmissionRequest[];
  /** Those that ended within this workflow run: an enqueue that is repeated is answered as before. */
  readonly #ended = new Set<string>();

  constructor(requests: readonly SubmissionRequest[]) {
    this.#requests = [...requests];
  }

  get requests(): readonly SubmissionRequest[] {
    return this.#requests;
  }

  next(): SubmissionRequest | undefined {
    return this.#requests.shift();
  }

  finished(request: SubmissionRequest): void {
    this.#ended.add(request.submission);
  }

  /** The same definition joins the submission that has it; another waits its turn. Repeating it changes nothing. */
  enqueue(request: SubmissionRequest, current: SubmissionState | undefined): EnqueueReply {
    const line = [...(current ? [current.request] : []), ...this.#requests];
    const place = line.findIndex((other) => other.submission === request.submission || joins(request, other));
    if (place >= 0) {
      const { submission } = line[place]!;
      return { submission, joined: submission !== request.submission, ahead: place };
    }
    if (this.#ended.has(request.submission))
      return { submission: request.submission, joined: false, ahead: 0 };
    this.#requests.push(request);
    return { submission: request.submission, joined: false, ahead: line.length };
  }
}

/** A fresh one asked for runs to be done again: it never joins. One that keeps failed runs joins one that repeats them. */
function joins(request: SubmissionRequest, other: SubmissionRequest): boolean {
  return (
    request.declaration === other.declaration &&
    !request.options.fresh &&
    (request.options.keep_failed || !other.options.keep_failed)
  );
}
