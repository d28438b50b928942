import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  setHandler,
} from '@temporalio/workflow';
import {
  type ExperimentInput,
  STATUS_QUERY,
  type SubmissionRequest,
  type WorkflowStatus,
} from '../contract/workflow.js';
import type { Carried } from './carried.js';
import { Control } from './control.js';
import { type EndCounts, type Ending, endWorkflowAs } from './ending.js';
import { SubmissionState } from './submission-state.js';
import { CANCELLED, Sweep } from './sweep.js';

const status = defineQuery<WorkflowStatus>(STATUS_QUERY);

/**
 * The one owner of an experiment in a store: carries out its submissions one after another, and ends as the last of
 * them did.
 */
export async function experiment(
  input: ExperimentInput & { readonly carried?: Carried },
): Promise<EndCounts | undefined> {
  const workflow = CancellationScope.current();
  const control = new Control(input, input.carried, abandon);
  const { queue } = control;
  let current = input.carried?.current ? new SubmissionState(input.carried.current) : undefined;
  let last: Ending | undefined;
  control.handleRequests(() => current);
  setHandler(status, () => ({
    store: input.store,
    experiment_id: input.experiment_id,
    current: current?.status(control.pause) ?? null,
    // A submission cancelled in the queue has no outcome yet, and must not be lost.
    queued: [...queue.requests, ...control.dropped.map(({ request }) => request)].map(
      ({ submission }) => submission,
    ),
  }));
  control.settleDropped();
  workflow.cancelRequested.catch(() => {
    if (current) current.cancelled ??= CANCELLED;
    control.close();
  });

  for (;;) {
    const request = current ? undefined : queue.next();
    current ??= request && SubmissionState.begin(request, new Date().toISOString());
    if (!current) {
      // Nothing is awaited between finding the queue empty and returning: everything enqueued before is in the queue by
      // now.
      if (allHandlersFinished() && control.dropped.length === 0) return endWorkflowAs(last);
      await CancellationScope.nonCancellable(() =>
        condition(() => allHandlersFinished() && control.dropped.length === 0),
      );
      continue;
    }
    const ended = await carryOut(input, current, control);
    if (workflow.consideredCancelled) {
      // Somebody may be waiting for these outcomes too.
      for (const waiting of queue.requests) await abandon(waiting, CANCELLED);
      await control.drained();
      return workflow.cancelRequested;
    }
    if (ended === 'continue-as-new') {
      await control.drained();
      if (!workflow.consideredCancelled)
        await continueAsNew<typeof experiment>({
          ...input,
          carried: { current: current.snapshot(), ...control.snapshot() },
        });
      current.cancelled ??= CANCELLED;
      continue;
    }
    last = ended;
    queue.finished(current.request);
    current = undefined;
  }

  /** Ends a submission that has not begun. */
  async function abandon(request: SubmissionRequest, reason: string): Promise<void> {
    const state = SubmissionState.begin(request, new Date().toISOString());
    await new Sweep(input, state, control).abandon('cancelled', reason);
  }
}

/** In a scope of its own: cancelling one submission does not affect the workflow or the submissions in its queue. */
async function carryOut(input: ExperimentInput, current: SubmissionState, control: Control) {
  const scope = new CancellationScope();
  control.stop = () => scope.cancel();
  const sweep = new Sweep(input, current, control);
  control.show = () => sweep.show();
  control.endOnFailures = () => sweep.endOnFailures();
  const ended = await scope.run(() => sweep.carryOut());
  control.stop = () => {};
  control.show = () => {};
  control.endOnFailures = () => {};
  return ended;
}
