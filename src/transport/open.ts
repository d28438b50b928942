import type { GatewayConfig } from '../config/resolved-config.js';
import type { Prompter } from './prompter.js';
import type { Transport } from './transport.js';

/**
 * The transport to where an environment runs: SSH if it has a gateway, else this machine's shell.
 *
 * @param prompter asked if a login needs a person; without it, such a login is refused
 * @param env in which SSH finds its configuration and agent; default: this process's
 */
export async function openTransport(
  { name, gateway }: { readonly name: string; readonly gateway?: GatewayConfig },
  prompter?: Prompter,
  env?: () => { readonly [name: string]: string | undefined },
): Promise<Transport> {
  if (gateway) {
    // Takes 60 ms to load, which local sweeps need not wait for.
    const { createSshTransport } = await import('./ssh/ssh-transport.js');
    return createSshTransport(gateway, {
      environment: name,
      ...(prompter && { prompter }),
      ...(env && { env }),
    });
  }
  const { createShellTransport } = await import('./shell/shell-transport.js');
  return createShellTransport();
}
