import type { ServiceHandle } from '../services/service.js';
import type { Signed } from './workflow.js';

/**
 * The contract between clients and workers of the services' workflow: one per project and environment. It passes refs and
 * handles only; what the services are made of is in a private file on the machine that they were asked for on.
 */

export const SERVICES_WORKFLOW = 'services';
export const UP_UPDATE = 'up';
export const DOWN_UPDATE = 'down';
export const RESTART_UPDATE = 'restart';
export const SERVICES_STATUS_QUERY = 'status';

export type ServicesUpdate = typeof UP_UPDATE | typeof DOWN_UPDATE | typeof RESTART_UPDATE;

/** Which services: see `ServicesPlace`. */
export interface ServicesRef {
  readonly project: string;
  readonly environment: string;
}

export const servicesWorkflowId = ({ project, environment }: ServicesRef): string =>
  `metalab-services/${project}/${environment}`;

/** What the workflow is started with. */
export interface ServicesInput extends ServicesRef {
  /** Polled by workers of the user and machine that asked: private files and processes are there. */
  readonly queue: string;
  /** Continue-as-new after this many events; absent: some thousands. Part of the input, so that histories replay. */
  readonly most_events?: number;
}

interface Identified extends Signed {
  /** Random: the status says by it how the request ended. */
  readonly id: string;
}

/** Asks for the services of the order file. */
export interface UpRequest extends Identified {
  /** Names the order file's content, and says nothing of it. The same content has the same name. */
  readonly order: string;
}

export type DownRequest = Identified;

export interface RestartRequest extends Identified {
  /** null: all. */
  readonly services: readonly string[] | null;
}

export type ServicesRequest =
  | { readonly update: typeof UP_UPDATE; readonly request: UpRequest }
  | { readonly update: typeof DOWN_UPDATE; readonly request: DownRequest }
  | { readonly update: typeof RESTART_UPDATE; readonly request: RestartRequest };

/** Requests are answered at once: whoever asked follows the status until the request has ended. */
export interface ServicesReply {
  /** Of the request that does the work: the caller's own, or the one that it joined. */
  readonly id: string;
}

export type ServicesPhase = 'starting' | 'running' | 'stopping' | 'down';

/** The answer to the status query, and the workflow's result. */
export interface ServicesStatus {
  readonly phase: ServicesPhase;
  /** As the last look found them. */
  readonly handles: readonly ServiceHandle[];
  /** The last requests that were carried out, failed, or were overtaken by a `down`. */
  readonly ended: readonly EndedRequest[];
  /** Why services are not started again; null: all is well. */
  readonly problem: ServicesProblem | null;
}

export interface EndedRequest {
  readonly id: string;
  readonly problem: ServicesProblem | null;
}

/** Without any output of services, which may hold secrets. */
export interface ServicesProblem {
  readonly message: string;
  /** Whose log explains it; null: of no single one. */
  readonly service: string | null;
  /** What to do; missing or null: mend what the log says. */
  readonly next?: string | null;
}

/** Every activity gets the request that it is done for, as signed. */
export interface ServicesActivityInput extends ServicesRef {
  readonly asked: ServicesRequest;
}

export interface StartInput extends ServicesActivityInput {
  /** After a death: what can't be started does not end what can. */
  readonly revive?: true;
}

export interface WatchInput extends ServicesActivityInput {
  /** As they were: the watch ends when something is different. */
  readonly handles: readonly ServiceHandle[];
}

export interface ServicesActivities {
  /** Carries out an `up` or `restart`. Fails with `SERVICES_FAILED`, with details {@link FailedService}. Safe to repeat. */
  startServices(input: StartInput): Promise<readonly ServiceHandle[]>;
  /** Resolves once a service's state, place or process is another. */
  watchServices(input: WatchInput): Promise<readonly ServiceHandle[]>;
  /** Carries out a `down`. Fails as {@link startServices}. Safe to repeat. */
  stopServices(input: ServicesActivityInput): Promise<readonly ServiceHandle[]>;
  /** A local activity. @returns why a request is refused, or null if it is accepted */
  verifyServices(input: ServicesRequest): Promise<string | null>;
}

/** The type of the failure if services can't be started or ended: an immediate retry would not help. */
export const SERVICES_FAILED = 'ServicesFailed';

/** What is known after a failure. */
export interface FailedService {
  readonly service: string | null;
  /** See {@link ServicesProblem}. */
  readonly next?: string | null;
  readonly handles: readonly ServiceHandle[];
}
