import { setTimeout as sleep } from 'node:timers/promises';
import type { ServicesProblem, ServicesStatus } from '../../contract/services.js';
import { InfrastructureError, MetalabError } from '../../definition/errors.js';
import { connectTemporal, type TemporalConnection } from '../../engine/connect.js';
import { loadRequestKey } from '../../engine/request-key.js';
import { keepSshVariables } from '../../engine/worker/ssh-environment.js';
import { type ServicesOrder, writeOrder } from '../../services/order-file.js';
import { folderOf, makeFolder, type ServicesPlace } from '../../services/place.js';
import { readProgress } from '../../services/progress-file.js';
import { restartedWith } from '../../services/restart-together.js';
import { EngineUpkeep } from '../workflow/engine-upkeep.js';
import { makeClient } from '../workflow/workflow-link.js';
import { type SentRequest, ServicesLink } from './services-link.js';

export type { ServicesProblem };

/** How often the workflow is asked: a twentieth of the time that has passed, between these. A job may be in a queue for hours. */
const [MIN_PAUSE_MS, MAX_PAUSE_MS] = [20, 500];
const UPKEEP_EVERY_MS = 1_000;
/** A request whose workflow ended before it answered is sent again. */
const MAX_REQUESTS = 5;

export interface ServicesClientOptions {
  readonly say?: (line: string) => void;
  /** Stops following; the request is carried out nevertheless. */
  readonly signal?: AbortSignal;
}

/** How a request ended. */
export interface EndedServices {
  readonly status: ServicesStatus;
  /** null: it was carried out. */
  readonly problem: ServicesProblem | null;
}

/** Asks for the services of an environment, and follows what comes of it. Restarts a server or worker that was killed. */
export class ServicesClient {
  readonly #temporal: TemporalConnection;
  readonly #engine: EngineUpkeep;
  readonly #link: ServicesLink;
  readonly #place: ServicesPlace;
  readonly #options: ServicesClientOptions;

  private constructor(
    temporal: TemporalConnection,
    engine: EngineUpkeep,
    link: ServicesLink,
    place: ServicesPlace,
    options: ServicesClientOptions,
  ) {
    this.#temporal = temporal;
    this.#engine = engine;
    this.#link = link;
    this.#place = place;
    this.#options = options;
  }

  /**
   * Connects to Temporal.
   *
   * @throws InfrastructureError if no server can be reached or started
   */
  static async open(
    place: ServicesPlace,
    { start = true, ...options }: ServicesClientOptions & { readonly start?: boolean } = {},
  ): Promise<ServicesClient> {
    const temporal = await connectTemporal({ ...options, start });
    try {
      const key = await loadRequestKey(temporal);
      const link = new ServicesLink(await makeClient(temporal), key, place);
      return new ServicesClient(
        temporal,
        new EngineUpkeep(temporal, key.taskQueue, options),
        link,
        place,
        options,
      );
    } catch (error) {
      await temporal.connection.close();
      throw error;
    }
  }

  async up(order: ServicesOrder): Promise<EndedServices> {
    keepSshVariables();
    writeOrder(makeFolder(this.#place), order);
    return this.#carryOut(() => this.#link.up(order));
  }

  async down(): Promise<EndedServices> {
    return this.#carryOut(() => this.#link.down());
  }

  /**
   * @param service null: all
   * @throws MetalabError METALAB_SERVICES_TOGETHER if others would be ended that were not named
   */
  async restart(service: string | null): Promise<EndedServices> {
    if (service !== null) await this.#refuseOthers(service);
    return this.#carryOut(() => this.#link.restart(service === null ? null : [service]));
  }

  /** The database of a running sweep must not end because somebody restarts the dashboard. */
  async #refuseOthers(service: string): Promise<void> {
    await this.#engine.ensureWorker();
    const [, ...others] = restartedWith(service, (await this.#statusInTime())?.handles ?? []);
    if (others.length === 0) return;
    throw new MetalabError({
      code: 'METALAB_SERVICES_TOGETHER',
      where: `environment ${this.#place.environment}`,
      what: `${service} is in one job with ${others.join(', ')}, so it can't be restarted alone`,
      next: '`metalab services restart` restarts all of them, in another job; those that use them wait, or try again',
    });
  }

  /** See {@link ServicesLink.status}. */
  status(): Promise<ServicesStatus | undefined> {
    return this.#link.status();
  }

  close(): Promise<void> {
    return this.#temporal.connection.close();
  }

  async #carryOut(ask: () => Promise<SentRequest>): Promise<EndedServices> {
    await this.#engine.ensureWorker();
    const asked = Date.now();
    const sent = await ask();
    let { id } = sent;
    // What goes on already is not said again by itself: a job may wait in the queue for hours.
    const last = sent.joined ? readProgress(folderOf(this.#place)).at(-1)?.at : undefined;
    let told = Math.min(asked, last ?? asked) - 1;
    for (let requests = 1; ; ) {
      this.#options.signal?.throwIfAborted();
      for (const { line, at } of readProgress(folderOf(this.#place)).filter(({ at }) => at > told)) {
        this.#options.say?.(line);
        told = at;
      }
      const status = await this.#statusInTime();
      const ended = status?.ended.find((one) => one.id === id);
      if (status && ended) return { status, problem: ended.problem };
      if (!status || status.phase === 'down') {
        // Its workflow ended, or was ended by somebody, before it got to the request.
        if (requests++ === MAX_REQUESTS) throw noAnswer(this.#place);
        ({ id } = await ask());
      }
      await sleep(Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, (Date.now() - asked) / 20)));
    }
  }

  /** Waits until the workflow can be asked. */
  async #statusInTime(): Promise<ServicesStatus | undefined> {
    for (;;) {
      try {
        return await this.#link.status();
      } catch (error) {
        if (!(error instanceof InfrastructureError)) throw error;
        this.#options.signal?.throwIfAborted();
        await this.#engine.keepUp();
        await sleep(UPKEEP_EVERY_MS);
      }
    }
  }
}

const noAnswer = ({ environment }: ServicesPlace) =>
  new InfrastructureError({
    code: 'METALAB_TEMPORAL',
    where: `environment ${environment}`,
    what: 'the services workflow ended repeatedly before it carried out the request',
    next: 'metalab doctor',
  });
