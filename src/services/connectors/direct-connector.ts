import { dial } from '../../transport/shell/dial.js';
import type { Connector, Endpoint } from '../connector.js';

/** Reaches a service whose address this machine can connect to: there is nothing to open. */
export class DirectConnector implements Connector {
  #connected = false;

  /** @throws TransportError METALAB_TRANSPORT_UNREACHABLE if the service does not answer */
  async connect({ host, port }: Endpoint): Promise<Endpoint> {
    const socket = await dial({ host, port }, new AbortController().signal);
    socket.destroy();
    this.#connected = true;
    return { host, port };
  }

  async disconnect(): Promise<void> {
    this.#connected = false;
  }

  isAlive(): boolean {
    return this.#connected;
  }
}
