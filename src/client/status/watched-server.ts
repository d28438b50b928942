import { connectTemporal, type TemporalConnection } from '../../engine/connect.js';
import { runningServer } from '../../engine/server/server.js';
import { makeClient } from '../workflow/workflow-link.js';
import { type RunningSweep, RunningSweeps } from './running-sweeps.js';

/**
 * The sweeps of the Temporal server that this machine uses, wherever it is now: a restarted engine may have to take
 * another port, and then another user's server may answer at the one it had.
 */
export class WatchedServer {
  #temporal: TemporalConnection;
  #sweeps: RunningSweeps;

  private constructor(temporal: TemporalConnection, sweeps: RunningSweeps) {
    this.#temporal = temporal;
    this.#sweeps = sweeps;
  }

  /** @throws InfrastructureError if no server runs or answers */
  static async connect(): Promise<WatchedServer> {
    const temporal = await connectTemporal({ start: false });
    return new WatchedServer(temporal, new RunningSweeps(await makeClient(temporal)));
  }

  /** @throws InfrastructureError if the server does not answer now; reading again later may succeed */
  async read(): Promise<RunningSweep[]> {
    const { userProvided, address } = this.#temporal;
    if (!userProvided && runningServer()?.address !== address) {
      // The old connection is left: closing one whose server is gone makes a later retry of a call throw.
      const temporal = await connectTemporal({ start: false });
      this.#sweeps = new RunningSweeps(await makeClient(temporal));
      this.#temporal = temporal;
    }
    return this.#sweeps.read();
  }

  async close(): Promise<void> {
    await this.#temporal.connection.close();
  }
}
