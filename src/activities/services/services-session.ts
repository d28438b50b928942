import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import {
  type FailedService,
  SERVICES_FAILED,
  type ServicesActivityInput,
  type ServicesRef,
  type ServicesRequest,
  servicesWorkflowId,
} from '../../contract/services.js';
import { controlDocument, FAULT } from '../../contract/workflow.js';
import { messageOf } from '../../definition/errors.js';
import { bundleOf, writeBundle } from '../../services/bundle.js';
import { type OpenServices, openServices } from '../../services/open-services.js';
import { readOrder, type ServicesOrder } from '../../services/order-file.js';
import { folderOf } from '../../services/place.js';
import type { ServiceHandle } from '../../services/service.js';
import { ServiceError } from '../../services/service-error.js';
import type { ActivityDependencies } from '../dependencies.js';
import { keepBeating } from '../heartbeat.js';
import { formatRefusal, type Signatures } from '../submission/signed.js';

export type ServicesDependencies = Pick<ActivityDependencies, 'signatures' | 'onStopping'>;

/** An environment's services, while an activity works on them. */
export interface ServicesSession extends OpenServices {
  readonly folder: string;
  readonly order: ServicesOrder;
  /** Aborted if the activity is cancelled, or its worker ends. */
  readonly signal: AbortSignal;
  /** Writes what is known of the services for those who use them. */
  keep(handles: readonly ServiceHandle[]): void;
}

/** Does an activity's work for a signed request, with heartbeats; words its failures. */
export function withServices(
  { signatures, onStopping }: ServicesDependencies,
  { asked, project, environment }: ServicesActivityInput,
  work: (session: ServicesSession) => Promise<readonly ServiceHandle[]>,
): Promise<readonly ServiceHandle[]> {
  const ref = { project, environment };
  const refusal = refusalOf(signatures, asked, ref);
  if (refusal !== undefined) throw ApplicationFailure.nonRetryable(refusal, FAULT.refused);
  const context = Context.current();
  const ending = new AbortController();
  const stopListening = onStopping(() => ending.abort());
  const signal = AbortSignal.any([ending.signal, context.cancellationSignal]);
  return keepBeating(async () => {
    const folder = folderOf(ref);
    const { order, services } = await open(folder);
    try {
      const about = { project_folder: order.project.folder, environment_type: order.environment.type };
      const keep = (handles: readonly ServiceHandle[]) => writeBundle(folder, bundleOf(ref, about, handles));
      return await work({ ...services, folder, order, signal, keep });
    } catch (error) {
      if (context.cancellationSignal.aborted) throw new CancelledFailure('cancelled');
      // Another worker goes on.
      if (signal.aborted) throw ApplicationFailure.retryable('the worker ends', 'WorkerEnds');
      throw await failureOf(error, services, order);
    } finally {
      await services.close();
    }
  }).finally(stopListening);
}

async function open(folder: string) {
  try {
    const order = readOrder(folder);
    return { order, services: await openServices(folder, order) };
  } catch (error) {
    throw ApplicationFailure.nonRetryable(summaryOf(error), SERVICES_FAILED);
  }
}

/** @returns undefined if the request is signed, and is this workflow's */
export function refusalOf(
  signatures: Signatures,
  { update, request }: ServicesRequest,
  ref?: ServicesRef,
): string | undefined {
  const { workflowId } = Context.current().info.workflowExecution!;
  if (ref && servicesWorkflowId(ref) !== workflowId) return `workflow ${workflowId} is of other services`;
  return formatRefusal(signatures.verify(controlDocument(workflowId, update, request), request?.signature));
}

/** Goes into histories: with what services print left out. */
async function failureOf(
  error: unknown,
  { environment }: OpenServices,
  { specs }: ServicesOrder,
): Promise<ApplicationFailure> {
  const found = await environment.inspect().catch((): ServiceHandle[] => []);
  const details: FailedService = {
    service: error instanceof ServiceError ? error.service : null,
    next: error instanceof ServiceError ? error.advice : null,
    handles: found.filter(({ name }) => specs.some((spec) => spec.name === name)),
  };
  return ApplicationFailure.create({
    message: summaryOf(error),
    type: SERVICES_FAILED,
    nonRetryable: true,
    details: [details],
  });
}

function summaryOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(summaryOf).join('; ');
  if (error instanceof ServiceError) return error.summary;
  return messageOf(error);
}
