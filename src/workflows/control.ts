import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  defineSignal,
  defineUpdate,
  patched,
  proxyLocalActivities,
  setHandler,
} from '@temporalio/workflow';
import type { Activities, VerifyInput } from '../contract/activities.js';
import {
  CANCEL_UPDATE,
  type CancelRequest,
  CHUNK_SIGNAL,
  type ChunkNotice,
  CLOSING,
  type ControlReply,
  ENQUEUE_UPDATE,
  type EnqueueReply,
  type ExperimentInput,
  PAUSE_UPDATE,
  type PauseRequest,
  type PauseState,
  REFUSED,
  RESUME_UPDATE,
  type ResumeRequest,
  type SubmissionRequest,
  WORKER_SIGNAL,
  type WorkerNotice,
} from '../contract/workflow.js';
import type { Carried, Dropped } from './carried.js';
import { SubmissionQueue } from './submission-queue.js';
import type { SubmissionState } from './submission-state.js';

const enqueue = defineUpdate<EnqueueReply, [SubmissionRequest]>(ENQUEUE_UPDATE);
const cancel = defineUpdate<ControlReply, [CancelRequest]>(CANCEL_UPDATE);
const pause = defineUpdate<ControlReply, [PauseRequest]>(PAUSE_UPDATE);
const worker = defineSignal<[WorkerNotice]>(WORKER_SIGNAL);
const chunk = defineSignal<[ChunkNotice]>(CHUNK_SIGNAL);
const resume = defineUpdate<ControlReply, [ResumeRequest]>(RESUME_UPDATE);

const { verify } = proxyLocalActivities<Pick<Activities, 'verify'>>({
  startToCloseTimeout: '10s',
  retry: { maximumAttempts: 3 },
});

/** How long continue-as-new waits for the outcomes of submissions cancelled in the queue; the rest are carried over. */
const DROPPED_WITHIN = '10s';

/**
 * Handles requests to an experiment while it runs. Every request is answered immediately, from what is known: handlers
 * that wait for runs would block continue-as-new.
 */
export class Control {
  readonly queue: SubmissionQueue;
  /** Of the experiment, not of one submission: queued ones wait too. Null if it is not paused. */
  pause: PauseState | null;
  dropped: readonly Dropped[];
  stop = () => {};
  /** Updates what is shown of the submission in progress. */
  show = () => {};
  /** Ends the submission in progress if too many of its runs have failed. */
  endOnFailures = () => {};
  readonly #input: ExperimentInput;
  readonly #abandon: (request: SubmissionRequest, reason: string) => Promise<void>;
  #settling = false;
  #closing = false;

  /** @param abandon ends a submission that has not begun */
  constructor(
    input: ExperimentInput,
    carried: Carried | undefined,
    abandon: (request: SubmissionRequest, reason: string) => Promise<void>,
  ) {
    this.#input = input;
    this.#abandon = abandon;
    this.queue = new SubmissionQueue(carried?.queue ?? []);
    const paused = carried?.paused ?? null;
    this.pause = typeof paused === 'string' ? { reason: paused, by: null, at: null } : paused;
    this.dropped = carried?.dropped ?? [];
  }

  /** @param current returns the submission in progress */
  handleRequests(current: () => SubmissionState | undefined): void {
    setHandler(
      enqueue,
      ...this.#signed<EnqueueReply, SubmissionRequest>(ENQUEUE_UPDATE, {
        refusal: (request) => (this.#closing ? CLOSING : this.queue.refusal(request, current())),
        act: (request) => this.queue.enqueue(request, current()),
      }),
    );
    setHandler(
      cancel,
      ...this.#signed<ControlReply, CancelRequest>(CANCEL_UPDATE, {
        refusal: (request) => this.#cancelRefusal(request, current()),
        act: (request) => this.#cancel(request, current()),
      }),
    );
    setHandler(
      pause,
      ...this.#signed<ControlReply, PauseRequest>(PAUSE_UPDATE, {
        refusal: () => (this.pause === null ? undefined : 'it is paused already'),
        act: (request) => this.#setPause(pauseOf(request), current()),
      }),
    );
    setHandler(
      resume,
      ...this.#signed<ControlReply, ResumeRequest>(RESUME_UPDATE, {
        refusal: () => (this.pause === null ? 'it is not paused' : undefined),
        act: () => this.#setPause(null, current()),
      }),
    );
    setHandler(worker, (notice) => {
      const submission = current();
      if (submission?.request.submission !== notice.submission) return;
      if (notice.lost !== null) submission.workerOffers(notice.lost, 0);
      submission.workerOffers(notice.worker, notice.slots);
    });
    setHandler(chunk, (notice) => {
      const submission = current();
      if (submission?.request.submission !== notice.submission) return;
      submission.chunkTells(notice);
      if (notice.runs) this.endOnFailures();
      // Only then: showing more often adds commands that histories without waits do not have.
      if (notice.waits !== undefined) this.show();
    });
  }

  /**
   * An update's handler and validator. A workflow has no key, so a local activity checks the signature before anything
   * is done; other updates may arrive meanwhile.
   *
   * @param update.refusal why it can't be done now; undefined if it can
   */
  #signed<Reply, Request>(
    name: VerifyInput['update'],
    update: {
      readonly refusal: (request: Request) => string | undefined;
      readonly act: (request: Request) => Reply;
    },
  ): [
    handler: (request: Request) => Reply | Promise<Reply>,
    options: { validator: (request: Request) => void },
  ] {
    const { store, experiment_id } = this.#input;
    const actOnceVerified = async (request: Request): Promise<Reply> => {
      const input = { store, experiment_id, update: name, request } as VerifyInput;
      // Also while the workflow is being cancelled: the caller gets an answer.
      const forged = await CancellationScope.nonCancellable(() => verify(input));
      refuse(forged ?? update.refusal(request));
      return update.act(request);
    };
    const handler = (request: Request) =>
      patched('signed-requests') ? actOnceVerified(request) : update.act(request);
    return [handler, { validator: (request) => refuse(update.refusal(request)) }];
  }

  /** The workflow was cancelled and is about to end: later requests are for the next one. */
  close(): void {
    this.#closing = true;
  }

  snapshot(): Omit<Carried, 'current'> {
    return { queue: this.queue.requests, paused: this.pause, dropped: this.dropped };
  }

  /** Settles when no request is half done, even if the workflow is cancelled meanwhile. */
  drained(): Promise<void> {
    return CancellationScope.nonCancellable(async () => {
      if (this.dropped.length > 0) await condition(() => this.dropped.length === 0, DROPPED_WITHIN);
      await condition(allHandlersFinished);
    });
  }

  /** Writes the outcomes of submissions cancelled in the queue, while the sweep in progress continues. */
  settleDropped(): void {
    if (this.#settling || this.dropped.length === 0) return;
    this.#settling = true;
    void CancellationScope.nonCancellable(async () => {
      for (let [first] = this.dropped; first; [first] = this.dropped) {
        await this.#abandon(first.request, first.reason);
        this.dropped = this.dropped.filter((other) => other !== first);
      }
      this.#settling = false;
    });
  }

  #cancelRefusal({ submission }: CancelRequest, current: SubmissionState | undefined): string | undefined {
    const queued = this.queue.requests.map((request) => request.submission);
    const isCurrent = submission === null ? queued.length === 0 : submission === current?.request.submission;
    if (isCurrent && current && current.cancelled !== null) return 'it is being cancelled already';
    if (submission === null && (current || queued.length > 0)) return undefined;
    if (isCurrent && current) return undefined;
    if (submission !== null && queued.includes(submission)) return undefined;
    return submission === null
      ? 'nothing of it is in progress'
      : `submission ${submission} is not in progress`;
  }

  #cancel({ submission, reason }: CancelRequest, current: SubmissionState | undefined): ControlReply {
    const submissions: string[] = [];
    if (
      current &&
      current.cancelled === null &&
      (submission ?? current.request.submission) === current.request.submission
    ) {
      current.cancelled = reason;
      submissions.push(current.request.submission);
      this.stop();
    }
    for (const { submission: queued } of this.queue.requests) {
      if ((submission ?? queued) !== queued) continue;
      const request = this.queue.remove(queued)!;
      this.dropped = [...this.dropped, { request, reason }];
      submissions.push(queued);
    }
    this.settleDropped();
    return { submissions };
  }

  #setPause(state: PauseState | null, current: SubmissionState | undefined): ControlReply {
    this.pause = state;
    const requests = [...(current ? [current.request] : []), ...this.queue.requests];
    return { submissions: requests.map(({ submission }) => submission) };
  }
}

const pauseOf = ({ reason, by }: PauseRequest): PauseState => ({
  reason,
  by: by ?? null,
  // The workflow's clock: when the server received the request.
  at: new Date().toISOString(),
});

/** A validator refuses by throwing: then the history contains nothing of the request. */
function refuse(reason: string | undefined): void {
  if (reason !== undefined) throw ApplicationFailure.nonRetryable(reason, REFUSED);
}
