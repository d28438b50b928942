import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import {
  DOWN_UPDATE,
  RESTART_UPDATE,
  SERVICES_STATUS_QUERY,
  SERVICES_WORKFLOW,
  type ServicesInput,
  type ServicesReply,
  type ServicesRequest,
  type ServicesStatus,
  servicesWorkflowId,
  UP_UPDATE,
} from '../../contract/services.js';
import { controlDocument } from '../../contract/workflow.js';
import { MetalabError } from '../../definition/errors.js';
import type { RequestKey } from '../../engine/request-key.js';
import type { ServicesOrder } from '../../services/order-file.js';
import { type ServicesPlace, servicesQueue } from '../../services/place.js';
import { ANSWER_WITHIN_MS, askWorkflow, refusalIn, unreachable } from '../workflow/ask-workflow.js';
import { historyLimit } from '../workflow/history-limit.js';
import { checkTaskQueue } from '../workflow/task-queue.js';

const QUERY_WITHIN_MS = 3_000;

/** A request that was accepted. */
export interface SentRequest extends ServicesReply {
  /** It is one that was in progress, or waited: it wants the same. */
  readonly joined: boolean;
}

/** Requests to the workflow of an environment's services. */
export class ServicesLink {
  readonly #client: Client;
  readonly #key: RequestKey;
  readonly #place: ServicesPlace;

  constructor(client: Client, key: RequestKey, place: ServicesPlace) {
    this.#client = client;
    this.#key = key;
    this.#place = place;
  }

  get #handle(): WorkflowHandle {
    return this.#client.workflow.getHandle(servicesWorkflowId(this.#place));
  }

  /** Starts the workflow if none runs. */
  async up(order: ServicesOrder): Promise<SentRequest> {
    // An HMAC: a plain hash of a file with a short password would tell the password.
    const signed = this.#key.key.sign({
      purpose: 'services-order',
      order: JSON.parse(JSON.stringify(order)),
    });
    const name = signed.split('.')[1]!.slice(0, 16);
    return this.#ask({ update: UP_UPDATE, request: { id: randomUUID(), order: name } });
  }

  /** Starts the workflow if none runs: there may be services without one. */
  async down(): Promise<SentRequest> {
    return this.#ask({ update: DOWN_UPDATE, request: { id: randomUUID() } });
  }

  /** @throws MetalabError METALAB_SERVICES_DOWN if no workflow runs */
  async restart(services: readonly string[] | null): Promise<SentRequest> {
    return this.#ask({ update: RESTART_UPDATE, request: { id: randomUUID(), services } });
  }

  /**
   * What the workflow says, also if it has ended; undefined if there is none.
   *
   * @throws InfrastructureError if no server or worker answers
   */
  async status(): Promise<ServicesStatus | undefined> {
    const { QueryRejectedError, WorkflowNotFoundError } = await import('@temporalio/client');
    try {
      return await this.#client.withDeadline(Date.now() + QUERY_WITHIN_MS, () =>
        this.#handle.query<ServicesStatus>(SERVICES_STATUS_QUERY),
      );
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      if (error instanceof QueryRejectedError) return this.#result();
      throw unreachable(error);
    }
  }

  /** Of the latest workflow, which has ended; undefined if it was cancelled, terminated or failed. */
  async #result(): Promise<ServicesStatus | undefined> {
    return this.#client
      .withDeadline(
        Date.now() + QUERY_WITHIN_MS,
        () => this.#handle.result() as Promise<ServicesStatus | undefined>,
      )
      .catch(() => undefined);
  }

  async #ask(asked: ServicesRequest): Promise<SentRequest> {
    const { WithStartWorkflowOperation, WorkflowNotFoundError } = await import('@temporalio/client');
    const workflowId = servicesWorkflowId(this.#place);
    const { key, taskQueue } = this.#key;
    const { update, request } = asked;
    const signature = key.sign(controlDocument(workflowId, update, request));
    const args: [ServicesRequest['request']] = [{ ...request, signature }];
    await checkTaskQueue(this.#handle, taskQueue);
    const input: ServicesInput = {
      ...this.#place,
      queue: servicesQueue(taskQueue),
      ...historyLimit(process.env.METALAB_HISTORY_EVENTS),
    };
    const send = () => {
      if (update === RESTART_UPDATE)
        return this.#handle.executeUpdate<ServicesReply, typeof args>(update, { updateId: request.id, args });
      // Created for each try: the object remembers how the last one ended.
      const startWorkflowOperation = new WithStartWorkflowOperation(SERVICES_WORKFLOW, {
        workflowId,
        taskQueue,
        args: [input],
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        staticSummary: `services of ${input.project}, ${input.environment}`,
      });
      return this.#client.workflow.executeUpdateWithStart<Workflow, ServicesReply, typeof args>(update, {
        updateId: request.id,
        args,
        startWorkflowOperation,
      });
    };
    const reply = await askWorkflow(
      () => this.#client.withDeadline(Date.now() + ANSWER_WITHIN_MS, send),
      (error) => {
        if (error instanceof WorkflowNotFoundError) throw servicesDown(this.#place);
        const refusal = refusalIn(error);
        if (refusal !== undefined)
          throw new MetalabError({
            code: 'METALAB_REFUSED',
            where: `services of ${this.#place.environment}`,
            what: `${update} was refused: ${refusal}`,
            next: 'metalab services status shows what runs',
          });
      },
    );
    return { ...reply, joined: reply.id !== request.id };
  }
}

export const servicesDown = ({ environment }: Pick<ServicesPlace, 'environment'>) =>
  new MetalabError({
    code: 'METALAB_SERVICES_DOWN',
    where: `environment ${environment}`,
    what: 'its services are down',
    next: 'metalab services up',
  });
