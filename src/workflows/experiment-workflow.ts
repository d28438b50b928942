import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  setHandler,
} from '@temporalio/workflow';
import { type PauseState, STATUS_QUERY, type SubmissionRequest, type WorkflowStatus } from './contract.js';
import { Control } from './control.js';
import { type EndCounts, type Ending, endWorkflowAs } from './ending.js';
import type { SubmissionSnapshot } from './submission-snapshot.js';
import { SubmissionState } from './submission-state.js';
import { CANCELLED, Sweep } from './sweep.js';

export interface ExperimentInput {
  readonly store: string;
  readonly experiment_id: string;
  /** Whether the server knows metalab's search attributes. */
  readonly search_attributes: boolean;
  /** Continue-as-new after so many events; absent: some thousands. Part of the input, so that histories replay. */
  readonly most_events?: number;
  /** What continue-as-new carries over. */
  readonly carried?: Carried;
}

/** Of what earlier builds wrote, the last two are absent. */
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

const status = defineQuery<WorkflowStatus>(STATUS_QUERY);

/** The one owner of an experiment in a store: does its submissions one after the other, and ends as the last of them. */
export async function experiment(input: ExperimentInput): Promise<EndCounts | undefined> {
  const workflow = CancellationScope.current();
  const control = new Control(input);
  const { queue, pause } = control;
  let current = input.carried?.current ? new SubmissionState(input.carried.current) : undefined;
  let last: Ending | undefined;
  control.handleRequests(() => current);
  setHandler(status, () => ({
    store: input.store,
    experiment_id: input.experiment_id,
    current: current?.status(pause.state) ?? null,
    // What was cancelled there has no outcome yet: it is not lost.
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
      // Nothing awaited between finding the queue empty and returning: what was enqueued before is in it by now.
      if (allHandlersFinished() && control.dropped.length === 0) return endWorkflowAs(last);
      await CancellationScope.nonCancellable(() =>
        condition(() => allHandlersFinished() && control.dropped.length === 0),
      );
      continue;
    }
    const ended = await carryOut(input, current, control);
    if (workflow.consideredCancelled) {
      // Somebody may be waiting for those outcomes too.
      for (const waiting of queue.requests) await control.abandon(waiting, CANCELLED);
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
}

/** In a scope of its own: cancelling one submission leaves the workflow, and what waits in its queue, as it is. */
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
