import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  DOWN_UPDATE,
  type FailedService,
  RESTART_UPDATE,
  SERVICES_STATUS_QUERY,
  type ServicesInput,
  type ServicesReply,
  type ServicesRequest,
  type ServicesStatus,
  type ServicesUpdate,
  UP_UPDATE,
} from '../../contract/services.js';
import { REFUSED } from '../../contract/workflow.js';
import { faultOf } from '../activities.js';
import { servicesOn, verifyServices } from './activities.js';
import { describeServices } from './describe-services.js';
import { type ServicesSnapshot, ServicesState } from './services-state.js';

const status = defineQuery<ServicesStatus>(SERVICES_STATUS_QUERY);
const MAX_EVENTS = 4_000;

/**
 * The one owner of the services of a project's environment: brings them up and down on request, looks after them, and starts
 * again what dies. It ends when they are down.
 */
export async function services(
  input: ServicesInput & { readonly carried?: ServicesSnapshot },
): Promise<ServicesStatus> {
  const { project, environment, queue, most_events = MAX_EVENTS } = input;
  const ref = { project, environment };
  const state = new ServicesState(input.carried);
  const { startServices, stopServices, watchServices } = servicesOn(queue);
  /** Calls off what is being started. */
  let stop = () => {};
  for (const update of [UP_UPDATE, DOWN_UPDATE, RESTART_UPDATE] as const) handleUpdate(update);
  setHandler(status, () => state.status());

  for (;;) {
    show();
    const asked = state.next();
    if (asked) await carryOut(asked);
    else if (!state.order) {
      // Nothing is awaited between finding that there is nothing to do and returning.
      if (allHandlersFinished()) return state.status();
      await condition(() => allHandlersFinished() || state.hasRequests);
    } else if (isDue()) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof services>({ ...input, carried: state.snapshot() });
    } else await lookAfter(state.order);
  }

  function handleUpdate(update: ServicesUpdate): void {
    setHandler(
      defineUpdate<ServicesReply, [ServicesRequest['request']]>(update),
      async (request) => {
        const asked = { update, request } as ServicesRequest;
        // A workflow has no key. Also while it is being cancelled: the caller gets an answer.
        refuse(await CancellationScope.nonCancellable(() => verifyServices(asked)));
        refuse(state.refusal(asked));
        const reply = state.accept(asked);
        if (update === DOWN_UPDATE) stop();
        return reply;
      },
      { validator: (request) => refuse(state.refusal({ update, request } as ServicesRequest)) },
    );
  }

  async function carryOut(asked: ServicesRequest): Promise<void> {
    show();
    try {
      const isDown = asked.update === DOWN_UPDATE;
      const work = () => (isDown ? stopServices({ ...ref, asked }) : startServices({ ...ref, asked }));
      state.finished(await (isDown ? work() : stoppable(work)));
    } catch (failure) {
      if (isCancellation(failure)) {
        if (CancellationScope.current().consideredCancelled) throw failure;
        return state.overtaken();
      }
      const fault = faultOf(failure);
      state.failed(fault?.message ?? String(failure), fault?.details?.[0] as FailedService | undefined);
    }
  }

  /** Until a request comes, or something has changed. */
  async function lookAfter(asked: ServicesRequest): Promise<void> {
    const pause = state.pauseMs(Date.now());
    if (pause !== undefined) {
      if (pause > 0 && (await condition(() => state.hasRequests, pause))) return;
      await startAgain(asked);
      return;
    }
    const scope = new CancellationScope();
    let seen: Awaited<ReturnType<typeof watchServices>> | undefined;
    let failure: unknown;
    void scope
      .run(() => watchServices({ ...ref, asked, handles: state.handles }))
      .then(
        (handles) => {
          seen = handles;
        },
        (thrown: unknown) => {
          failure = thrown;
        },
      );
    await condition(() => state.hasRequests || seen !== undefined || failure !== undefined);
    if (seen) state.look(seen, Date.now());
    else if (failure !== undefined) throw failure;
    else scope.cancel();
  }

  async function startAgain(asked: ServicesRequest): Promise<void> {
    try {
      state.startedAgain(await stoppable(() => startServices({ ...ref, asked, revive: true })), Date.now());
    } catch (failure) {
      if (isCancellation(failure)) {
        if (CancellationScope.current().consideredCancelled) throw failure;
        return;
      }
      const known = faultOf(failure)?.details?.[0] as FailedService | undefined;
      state.startedAgain(known?.handles ?? state.handles, Date.now());
    }
  }

  async function stoppable<T>(work: () => Promise<T>): Promise<T> {
    const scope = new CancellationScope();
    stop = () => scope.cancel();
    try {
      return await scope.run(work);
    } finally {
      stop = () => {};
    }
  }

  function show(): void {
    setCurrentDetails(describeServices(ref, state.status()));
  }

  function isDue(): boolean {
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    return continueAsNewSuggested || historyLength > most_events;
  }
}

/** A validator refuses by throwing: then the history contains nothing of the request. */
function refuse(reason: string | null | undefined): void {
  if (reason) throw ApplicationFailure.nonRetryable(reason, REFUSED);
}
