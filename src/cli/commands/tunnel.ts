import type { GatewayConfig } from '../../config/resolved-config.js';
import { UsageError } from '../../definition/errors.js';
import type { ServiceTarget } from '../../services/tunnels/choose-targets.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';
import { wholeNumber } from '../parse-options.js';
import { shellWords } from '../terminal/invocation.js';

interface TunnelFlags extends CommonOptions {
  readonly service?: string;
  readonly port?: number;
  readonly print?: boolean;
}

export const tunnelCommand: CommandDefinition<TunnelFlags> = {
  name: 'tunnel',
  summary: "reach a cluster's services from this machine, until Ctrl-C",
  description: `Listens on 127.0.0.1, and leads connections to the services through the environment's gateway. Reconnects when the
connection is lost, and follows a service that moves to another node. Other users of this machine can connect to the port
too: a service without a password is open to them as long as the tunnel is.`,
  options: [
    { flags: '--service <name>', description: 'only this service (default: all that run)' },
    {
      flags: '--port <n>',
      description: 'port of this machine, for one service (default: a free one)',
      parse: wholeNumber('--port', 1, 65_535),
    },
    { flags: '--print', description: 'print the ssh command that does the same, and exit' },
  ],
  examples: [
    { line: 'tunnel --env cluster', does: 'ports of this machine lead to the services there' },
    { line: 'tunnel --env cluster --service postgres --port 5433', does: 'PostgreSQL at 127.0.0.1:5433' },
    { line: 'tunnel --env cluster --print', does: 'the ssh command, to copy' },
  ],
  env: true,
  async run(_args, { service, port, print }, context) {
    const [
      { readBundle },
      { folderOf },
      { chooseTargets },
      { placeOfCommand },
      { gatewayOf },
      { holdTunnels },
    ] = await Promise.all([
      import('../../services/bundle.js'),
      import('../../services/place.js'),
      import('../../services/tunnels/choose-targets.js'),
      import('../services/open-place.js'),
      import('../../services/gateway-of.js'),
      import('../services/hold-tunnels.js'),
    ]);
    const { config, place } = await placeOfCommand(context);
    const { environment } = config;
    const targets = chooseTargets(environment.name, readBundle(folderOf(place)), service);
    if (port !== undefined && targets.length > 1) throw onePort(targets.map((target) => target.service));
    if (print) return printCommand(gatewayOf(environment), targets, port, context);
    return holdTunnels({ place, environment, targets, port }, context);
  },
};

async function printCommand(
  gateway: GatewayConfig | undefined,
  targets: readonly ServiceTarget[],
  port: number | undefined,
  context: CommandContext,
): Promise<undefined> {
  if (!gateway)
    throw new UsageError({
      code: 'METALAB_TUNNEL',
      what: 'the cluster is reached from this machine itself, without SSH',
      next: `connect to ${targets.map(({ host, port: there }) => `${host}:${there}`).join(', ')}`,
    });
  const { sshCommandHere } = await import('../../services/tunnels/ssh-command.js');
  context.out(shellWords(await sshCommandHere(gateway, targets, port)));
  return undefined;
}

const onePort = (names: readonly string[]) =>
  new UsageError({
    code: 'METALAB_OPTION',
    where: '--port',
    what: `is one port, and there are ${names.length} services`,
    expected: `--service with one of ${names.join(', ')}`,
  });
