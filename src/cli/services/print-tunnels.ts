import type { ResolvedEnvironment } from '../../config/resolved-config.js';
import { gatewayOf } from '../../services/gateway-of.js';
import type { ServiceTarget } from '../../services/tunnels/choose-targets.js';
import { sshCommandHere } from '../../services/tunnels/ssh-command.js';
import type { CommandContext } from '../command.js';
import { shellWords } from '../terminal/invocation.js';

/** Says how services on a cluster are reached from this machine. */
export async function printTunnels(
  environment: ResolvedEnvironment,
  targets: readonly ServiceTarget[],
  { note }: CommandContext,
): Promise<undefined> {
  const gateway = gatewayOf(environment);
  if (!gateway) return;
  note(`from this machine: metalab tunnel --env ${shellWords([environment.name])}`);
  note(`               or: ${shellWords(await sshCommandHere(gateway, targets))}`);
}
