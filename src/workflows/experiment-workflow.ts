import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  isCancellation,
  setHandler,
} from '@temporalio/workflow';
import {
  ENQUEUE_UPDATE,
  type EnqueueReply,
  STATUS_QUERY,
  type SubmissionRequest,
  type WorkflowStatus,
} from './contract.js';
import { SubmissionQueue } from './submission-queue.js';
import { type SubmissionSnapshot, SubmissionState } from './submission-state.js';
import { Sweep } from './sweep.js';

export interface ExperimentInput {
  readonly store: string;
  readonly experiment_id: string;
  /** Whether the server knows metalab's search attributes. */
  readonly search_attributes: boolean;
  /** What continue-as-new carries over. */
  readonly carried?: {
    readonly current: SubmissionSnapshot | null;
    readonly queue: readonly SubmissionRequest[];
  };
}

const enqueue = defineUpdate<EnqueueReply, [SubmissionRequest]>(ENQUEUE_UPDATE);
const status = defineQuery<WorkflowStatus>(STATUS_QUERY);

/** The one owner of an experiment in a store: does its submissions one after the other. */
export async function experiment(input: ExperimentInput): Promise<void> {
  const queue = new SubmissionQueue(input.carried?.queue ?? []);
  let current = input.carried?.current ? new SubmissionState(input.carried.current) : undefined;

  setHandler(enqueue, (request) => queue.enqueue(request, current));
  setHandler(status, () => ({
    experiment_id: input.experiment_id,
    current: current?.status() ?? null,
    queued: queue.requests.map((request) => request.submission),
  }));

  for (;;) {
    const request = current ? undefined : queue.next();
    current ??= request && SubmissionState.begin(request, new Date().toISOString());
    if (!current) {
      // Nothing awaited between finding the queue empty and returning: what was enqueued before is in it by now.
      if (allHandlersFinished()) return;
      await condition(allHandlersFinished);
      continue;
    }
    const ended = await carryOut(input, current, queue);
    if (ended === 'continue-as-new') {
      await condition(allHandlersFinished);
      await continueAsNew<typeof experiment>({
        ...input,
        carried: { current: current.snapshot(), queue: queue.requests },
      });
    }
    queue.finished(current.request);
    current = undefined;
  }
}

/** Cancelling the workflow cancels what waits in its queue too: somebody may be waiting for those outcomes. */
async function carryOut(input: ExperimentInput, current: SubmissionState, queue: SubmissionQueue) {
  try {
    return await new Sweep(input, current, queue).carryOut();
  } catch (failure) {
    if (isCancellation(failure)) {
      await CancellationScope.nonCancellable(async () => {
        for (const request of queue.requests) {
          const queued = SubmissionState.begin(request, new Date().toISOString());
          await new Sweep(input, queued, queue).abandon('cancelled', 'the workflow was cancelled');
        }
      });
    }
    throw failure;
  }
}
