import type { GatewayConfig } from '../config/resolved-config.js';
import type { Prompter } from './prompter.js';
import type { Transport } from './transport.js';

/**
 * The way to an environment's place: by SSH where it has a gateway, else this machine's shell.
 *
 * @param prompter asked where a login needs a person; without it, that is refused
 * @param env in which SSH finds its configuration and agent; default: this process's
 */
export async function openTransport(
  { name, gateway }: { readonly name: string; readonly gateway?: GatewayConfig },
  prompter?: Prompter,
  env?: () => { readonly [name: string]: string | undefined },
): Promise<Transport> {
  if (gateway) {
    // 60 ms to load, which local sweeps need not wait for.
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
