import type { EnqueueReply, SubmissionRequest } from '../contract/workflow.js';
import type { SubmissionState } from './submission-state.js';

/**
 * The queue must fit the payload of at most 64 KiB that continue-as-new carries over, at about 300 bytes per
 * submission.
 */
const MAX_QUEUED = 200;

/** Submissions that wait for the one in progress. Contains no Temporal code. */
export class SubmissionQueue {
  #requests: SubmissionRequest[];
  /** Those that ended within this workflow run: a repeated enqueue gets the same answer as before. */
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

  /** @returns why a submission can't be enqueued; undefined if it can */
  refusal(request: SubmissionRequest, current: SubmissionState | undefined): string | undefined {
    const { submission, declaration, options } = request ?? {};
    if (typeof submission !== 'string' || typeof declaration !== 'string' || typeof options !== 'object')
      return 'a submission names itself, its declaration and its options';
    if (this.#requests.length < MAX_QUEUED || this.#placeOf(request, current) >= 0) return undefined;
    return `${MAX_QUEUED} submissions of this experiment wait already: cancel some, or wait`;
  }

  /** Removes a waiting submission. */
  remove(submission: string): SubmissionRequest | undefined {
    const request = this.#requests.find((other) => other.submission === submission);
    this.#requests = this.#requests.filter((other) => other !== request);
    return request;
  }

  /** A submission joins one with the same definition; any other waits its turn. Safe to repeat. */
  enqueue(request: SubmissionRequest, current: SubmissionState | undefined): EnqueueReply {
    const line = this.#line(current);
    const place = this.#placeOf(request, current);
    if (place >= 0) {
      const { submission } = line[place]!;
      return { submission, joined: submission !== request.submission, ahead: place };
    }
    if (this.#ended.has(request.submission))
      return { submission: request.submission, joined: false, ahead: 0 };
    this.#requests.push(request);
    return { submission: request.submission, joined: false, ahead: line.length };
  }

  #line(current: SubmissionState | undefined): SubmissionRequest[] {
    // Nobody wants to join a submission that is being cancelled: a new one is done after it.
    return [...(current && current.cancelled === null ? [current.request] : []), ...this.#requests];
  }

  #placeOf(request: SubmissionRequest, current: SubmissionState | undefined): number {
    return this.#line(current).findIndex(
      (other) => other.submission === request.submission || joins(request, other),
    );
  }
}

/**
 * A submission that asked to repeat certain runs, or all, never joins and is never joined. One that keeps failed runs
 * joins one that repeats them.
 */
function joins(request: SubmissionRequest, other: SubmissionRequest): boolean {
  return (
    request.declaration === other.declaration &&
    !request.options.fresh &&
    !request.options.only &&
    !other.options.only &&
    (request.options.keep_failed || !other.options.keep_failed)
  );
}
