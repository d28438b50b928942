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
    if (this.#requests.length < MAX_QUEUED || this.#find(request, current)) return undefined;
    return `${MAX_QUEUED} submissions of this experiment wait already: cancel some, or wait`;
  }

  remove(submission: string): SubmissionRequest | undefined {
    const request = this.#requests.find((other) => other.submission === submission);
    this.#requests = this.#requests.filter((other) => other !== request);
    return request;
  }

  /** A submission joins one with the same definition; any other waits its turn. Safe to repeat. */
  enqueue(request: SubmissionRequest, current: SubmissionState | undefined): EnqueueReply {
    const known = this.#find(request, current);
    if (!known && !this.#ended.has(request.submission)) this.#requests.push(request);
    const { submission } = known ?? request;
    return { submission, joined: submission !== request.submission };
  }

  /** The same submission, or one that it joins. */
  #find(request: SubmissionRequest, current: SubmissionState | undefined): SubmissionRequest | undefined {
    // Nobody wants to join a submission that is being cancelled: a new one is done after it.
    const running = current && current.cancelled === null ? [current.request] : [];
    return [...running, ...this.#requests].find(
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
