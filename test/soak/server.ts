import { runningServer } from '../../src/engine/server.js';
import { send } from './processes.js';

/** The Temporal server under a soak: how it is found, killed and brought back. */
export interface SoakServer {
  readonly name: string;
  /** What every process of the soak has in its environment to find it. */
  readonly env: { readonly [name: string]: string };
  /** SIGKILL. @returns whether there was one */
  kill(): boolean;
  /** Brings it back at the same address, where nobody else does. */
  restart(): Promise<void>;
  /** After a round, and at the end. */
  stop(): Promise<void>;
}

/** The engine's own: whoever needs it starts it again, and `engine stop` ends it. */
export function engineServer(home: string): SoakServer {
  return {
    name: 'dev',
    env: {},
    kill() {
      const server = runningServer({ METALAB_HOME: home });
      return server !== undefined && send(server.pid, 'SIGKILL');
    },
    async restart() {},
    async stop() {},
  };
}
