import type { GatewayConfig } from '../../config/resolved-config.js';
import type { ServiceTarget } from './choose-targets.js';

/**
 * The ssh command that does what a tunnel does. It takes the same configuration of ssh.
 *
 * @param ports of this machine, in the order of the targets
 */
export function sshCommand(
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
