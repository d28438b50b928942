import type { GatewayConfig } from '../../config/resolved-config.js';
import { freePort } from '../../engine/server/ports.js';
import type { ServiceTarget } from './choose-targets.js';

/** The ssh command for ports of this machine that are free now, or for the given one. */
export async function sshCommandHere(
  gateway: GatewayConfig,
  targets: readonly ServiceTarget[],
  port?: number,
): Promise<string[]> {
  const ports: number[] = [];
  for (const _ of targets) ports.push(port ?? (await freePort()));
  return sshCommand(gateway, targets, ports);
}

/**
 * The ssh command that does what a tunnel does. It takes the same configuration of ssh.
 *
 * @param ports of this machine, in the order of the targets
 */
function sshCommand(
  { host, user, port, ssh_key, jump }: GatewayConfig,
  targets: readonly ServiceTarget[],
  ports: readonly number[],
): string[] {
  return [
    'ssh',
    '-N',
    ...['-o', 'ExitOnForwardFailure=yes', '-o', 'ServerAliveInterval=15'],
    ...targets.flatMap((target, at) => [
      '-L',
      `127.0.0.1:${ports[at]}:${bracketed(target.host)}:${target.port}`,
    ]),
    ...(port === undefined ? [] : ['-p', `${port}`]),
    ...(ssh_key === undefined ? [] : ['-i', ssh_key]),
    ...(jump.length === 0 ? [] : ['-J', jump.join(',')]),
    user === undefined ? host : `${user}@${host}`,
  ];
}

/** IPv6 addresses contain the separator. */
const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host);
