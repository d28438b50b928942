import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
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
    const ended = await new Sweep(input, current, queue).carryOut();
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
