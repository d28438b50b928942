import { setTimeout as sleep } from 'node:timers/promises';
import { InfrastructureError } from '../../definition/errors.js';
import { type TemporalConnection, temporalUnreachable } from '../../engine/connect.js';
import { type EngineIdentity, engineIdentity } from '../../engine/identity.js';
import { loadRequestKey } from '../../engine/request-key.js';
import { ensureServer } from '../../engine/server/server.js';
import { ensureWorker } from '../../engine/worker/worker-process.js';

const ANSWERS_WITHIN_MS = 2_000;
const IDENTIFIED_WITHIN_MS = 60_000;

interface UpkeepOptions {
  /** Called for every long step, and when a user-provided server stops answering. */
  readonly say?: (line: string) => void;
}

/** Keeps a lab's server and this machine's worker running while a client follows a sweep. */
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

  /** @throws InfrastructureError if the server, restarted if it was killed, does not answer within a minute */
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
    // The server may have died since this lab connected.
    await this.#ensureServer();
    await this.#checkKey();
    // A background worker adds slots by itself if more are needed than it was started with.
    await ensureWorker({ ...this.#request, ...this.#options });
    this.#startsWorkers = true;
  }

  /**
   * With a user-provided server, clients that only follow or control start no worker: runs would move to the user's
   * laptop, which may not even have the store.
   *
   * The engine's server restarts at the same address, so the connection recovers. A user-provided server is waited for.
   *
   * @throws InfrastructureError METALAB_SERVER_MOVED if the engine's server had to take another port; METALAB_KEY_CHANGED
   *   if workers that are started now would have another key
   */
  async keepUp(): Promise<void> {
    if (!this.#connection.userProvided) await this.#ensureServer();
    else if (!(await this.#answers()) || !this.#startsWorkers) return;
    await this.#checkKey();
    // A worker of any build will do: two projects that follow their sweeps must not keep replacing each other's worker.
    await ensureWorker({ ...this.#request, anyBuild: true, ...this.#options });
  }

  async #ensureServer(): Promise<void> {
    const { address, userProvided } = this.#connection;
    if (userProvided) return;
    const server = await ensureServer(this.#options);
    // Whatever answers at the old address is another user's, and knows nothing of these sweeps.
    if (server.address !== address)
      throw new InfrastructureError({
        code: 'METALAB_SERVER_MOVED',
        where: address,
        what: `the engine's Temporal server was restarted at ${server.address}, since another program has taken its port; nothing recorded is lost`,
        next: 'run the command again: it joins what is still in progress',
      });
  }

  /** If METALAB_HOME was removed, a worker that is started now gets a new key, and takes nothing of these sweeps. */
  async #checkKey(): Promise<void> {
    const { taskQueue, file } = await loadRequestKey(this.#connection);
    if (taskQueue === this.#taskQueue) return;
    throw new InfrastructureError({
      code: 'METALAB_KEY_CHANGED',
      where: file,
      what: 'the key that signs requests was removed or replaced after this command started',
      next: 'restore the key, or submit again: that says how to end the workflow that has the old key. What is recorded is reused',
    });
  }

  get #request() {
    const { address, namespace } = this.#connection;
    return { address, namespace, taskQueue: this.#taskQueue, slots: null };
  }

  /** Whether the server answers now: without it no worker could start either. Reports when that changes. */
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
