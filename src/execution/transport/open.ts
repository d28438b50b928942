import type { GatewayConfig } from '../../config/resolved-config.js';
import type { Transport } from './transport.js';

/** The way to an environment's place: by SSH where it has a gateway, else this machine's shell. */
export async function openTransport(gateway: GatewayConfig | undefined): Promise<Transport> {
  if (gateway) {
    // 60 ms to load, which local sweeps need not wait for.
    const { createSshTransport } = await import('./ssh/ssh-transport.js');
    return createSshTransport(gateway);
  }
  const { createShellTransport } = await import('./shell/shell-transport.js');
  return createShellTransport();
}
