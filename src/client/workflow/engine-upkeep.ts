import { setTimeout as sleep } from 'node:timers/promises';
import { type TemporalConnection, temporalUnreachable } from '../../engine/connect.js';
import { type EngineIdentity, engineIdentity } from '../../engine/identity.js';
import { ensureServer } from '../../engine/server.js';
import { ensureWorker } from '../../engine/worker-process.js';

const ANSWERS_WITHIN_MS = 2_000;
const IDENTIFIED_WITHIN_MS = 60_000;

interface UpkeepOptions {
  /** Hears of every long step, and when a server of the user's falls silent. */
  readonly say?: (line: string) => void;
}

/** Sees to it that a lab's server and the worker on this machine are there, for as long as somebody follows. */
export class EngineUpkeep {
  readonly #connection: TemporalConnection;
  readonly #taskQueue: string;
  readonly #options: UpkeepOptions;
  #startsWorkers = false;
  #answered = true;

  /** @param taskQueue see `RequestKey` */
  constructor(connection: TemporalConnection, taskQueue: string, options: UpkeepOptions) {
    this.#connection = connection;
    this.#taskQueue = taskQueue;
    this.#options = options;
  }

  /** @throws InfrastructureError where the server does not answer within a minute: it may have been killed, and is started again */
  async identify(): Promise<EngineIdentity> {
    const end = performance.now() + IDENTIFIED_WITHIN_MS;
    for (;;) {
      try {
        return await engineIdentity(this.#connection.connection, this.#connection);
      } catch (error) {
        if (performance.now() > end) throw temporalUnreachable(this.#connection, error);
        await this.keepUp();
        await sleep(500);
      }
    }
  }

  async ensureWorker(): Promise<void> {
    // It may have died since this lab connected.
    if (!this.#connection.userProvided) await ensureServer(this.#options);
    // More slots than it was started with, a background worker provides by itself.
    await ensureWorker({ ...this.#order, ...this.#options });
    this.#startsWorkers = true;
  }

  /**
   * With a server of the user's, who only looks or controls starts no worker: runs would come to his laptop, which may not
   * even have the store.
   *
   * The engine's server comes back at its address, and the connection with it. A server of the user's is waited for.
   */
  async keepUp(): Promise<void> {
    if (!this.#connection.userProvided) await ensureServer(this.#options);
    else if (!(await this.#answers()) || !this.#startsWorkers) return;
    // Whatever its build: two projects that follow their sweeps must not replace each other's worker for ever.
    await ensureWorker({ ...this.#order, anyBuild: true, ...this.#options });
  }

  get #order() {
    const { address, namespace } = this.#connection;
    return { address, namespace, taskQueue: this.#taskQueue, slots: null };
  }

  /** Whether the server answers now: without it no worker could be started either. Says it where that changes. */
  async #answers(): Promise<boolean> {
    const { connection, address } = this.#connection;
    const answers = await connection
      .withDeadline(Date.now() + ANSWERS_WITHIN_MS, () => connection.workflowService.getSystemInfo({}))
      .then(
        () => true,
        () => false,
      );
    if (answers !== this.#answered) {
      this.#answered = answers;
      this.#options.say?.(
        answers
          ? `the Temporal server at ${address} answers again`
          : `the Temporal server at ${address} does not answer: waiting for it; nothing recorded is lost`,
      );
    }
    return answers;
  }
}
