import { setTimeout as sleep } from 'node:timers/promises';
import { runningServer } from '../../src/engine/server/server.js';
import { giveOwnPorts } from '../support/own-ports.js';
import { startTemporalOnPostgres } from '../support/temporal-on-postgres/start.mjs';
import { send } from './processes.js';

/** The Temporal server under a soak: how it is found, killed and brought back. */
export interface SoakServer {
  /** What every process of the soak has in its environment to find it. */
  readonly env: { readonly [name: string]: string };
  /** SIGKILL. @returns whether there was one */
  kill(): Promise<boolean>;
  /** Brings it back at the same address, where nobody else does. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export const SERVERS: { readonly [name: string]: (home: string) => Promise<SoakServer> } = {
  dev: async (home) => engineServer(home),
  postgres: productionServer,
};

/** The engine's own: whoever needs it starts it again, and `engine stop` ends it. */
export function engineServer(home: string): SoakServer {
  giveOwnPorts(home);
  return {
    env: {},
    async kill() {
      const server = runningServer({ METALAB_HOME: home });
      return server !== undefined && send(server.pid, 'SIGKILL');
    },
    async restart() {},
    async stop() {},
  };
}

/** As it would be brought back by whoever runs it. */
const AWAY_MS = 1_000;

async function productionServer(): Promise<SoakServer> {
  const rig = await startTemporalOnPostgres();
  let up = true;
  return {
    env: { TEMPORAL_ADDRESS: rig.address, TEMPORAL_NAMESPACE: rig.namespace },
    async kill() {
      if (!up) return false;
      up = false;
      await rig.kill();
      return true;
    },
    async restart() {
      if (up) return;
      await sleep(AWAY_MS);
      await rig.restart();
      up = true;
    },
    stop: () => rig.stop(),
  };
}
