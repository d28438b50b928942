import { stateFolder } from '../../access/own-folders.js';
import type { GatewayConfig, ResolvedEnvironment } from '../../config/resolved-config.js';
import { InfrastructureError, UsageError } from '../../definition/errors.js';
import { loginsFolder } from '../../engine/state-folder.js';
import { keepSshVariables } from '../../engine/worker/ssh-environment.js';
import { loginThroughWorkers } from '../../transport/login/login-through-worker.js';
import type { Prompter } from '../../transport/prompter.js';

/**
 * Has the workers log in to an environment's gateway, asking the person at the terminal.
 *
 * @returns the gateway, for messages
 * @throws UsageError without a gateway or a terminal; InfrastructureError if no worker is running
 */
export async function loginToEnvironment(
  environment: ResolvedEnvironment,
  prompter: Prompter | undefined,
): Promise<string> {
  const { name } = environment;
  const gateway = 'gateway' in environment ? (environment.gateway as GatewayConfig | undefined) : undefined;
  if (!gateway) {
    throw new UsageError({
      code: 'METALAB_USAGE',
      what: 'there is nothing to log in to: this environment has no gateway',
      where: name,
    });
  }
  if (!prompter) {
    throw new UsageError({
      code: 'METALAB_USAGE',
      what: 'logging in needs a terminal to ask at',
      where: name,
      next: `run metalab env login ${name} in a terminal`,
    });
  }
  // Set first: the worker connects, with this terminal's SSH settings.
  keepSshVariables();
  const workers = await loginThroughWorkers(
    loginsFolder(stateFolder()),
    { environment: name, gateway },
    prompter,
  );
  if (workers === 0) {
    throw new InfrastructureError({
      code: 'METALAB_NO_WORKER',
      what: 'no worker is running: the worker logs in and keeps the connection',
      where: name,
      next: `metalab submit … --env ${name}, or metalab engine start, then metalab env login ${name}`,
    });
  }
  return gateway.host;
}
