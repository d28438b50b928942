import type { Transport, Tunnel } from '../../transport/transport.js';
import type { Connector, Endpoint } from '../connector.js';

export interface SshConnectorOptions {
  /** The port of this machine to listen on. Default: a free one. */
  readonly port?: number;
  /** Called when a client's connection could not be led to the service. */
  readonly onFailure?: (error: Error) => void;
}

/**
 * Reaches a service through a tunnel of a transport. It stays on one port of this machine: if the service has moved, and
 * `connect` names its new address, the same port leads there.
 */
export class SshConnector implements Connector {
  readonly #transport: Pick<Transport, 'openTunnel'>;
  readonly #options: SshConnectorOptions;
  #opening: Promise<Tunnel> | undefined;
  #tunnel: Tunnel | undefined;

  /** @param transport stays open when the connector disconnects */
  constructor(transport: Pick<Transport, 'openTunnel'>, options: SshConnectorOptions = {}) {
    this.#transport = transport;
    this.#options = options;
  }

  /** @throws TransportError if the service does not answer; InfrastructureError METALAB_PORT. Then nothing is open */
  async connect(target: Endpoint): Promise<Endpoint> {
    this.#opening ??= this.#transport.openTunnel(target, this.#options);
    try {
      const tunnel = await this.#opening;
      tunnel.retarget(target);
      await tunnel.check();
      this.#tunnel = tunnel;
      return { host: tunnel.host, port: tunnel.port };
    } catch (error) {
      await this.disconnect();
      throw error;
    }
  }

  async disconnect(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    this.#tunnel = undefined;
    await opening?.then(
      (tunnel) => tunnel.close(),
      () => {},
    );
  }

  isAlive(): boolean {
    return this.#tunnel?.isOpen === true;
  }
}
