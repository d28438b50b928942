import { InfrastructureError } from '../../definition/errors.js';
import { freePort, holderOf, isFree } from '../../engine/server/ports.js';
import type { ServiceSpec } from '../service.js';

/**
 * The port of a service that is about to start: the one that its configuration gives, else the one that it had before if
 * that is still free, else a free one.
 *
 * @param taken ports of other services, which may not be in use now
 * @throws InfrastructureError METALAB_SERVICE_PORT if the given one is in use, naming by whom
 */
export async function choosePort(
  { name, config }: ServiceSpec,
  before: number | undefined,
  taken: readonly number[],
): Promise<number> {
  const { port: given } = config;
  if (typeof given === 'number') {
    if (await isFree(given)) return given;
    const holder = holderOf(given);
    throw new InfrastructureError({
      code: 'METALAB_SERVICE_PORT',
      where: `services.${name}.port`,
      what: `port ${given} is in use${holder ? ` by ${holder}` : ''}`,
      expected: 'a free port of 127.0.0.1',
      next: `stop what uses it, choose another, or remove the key: metalab then picks a free one`,
    });
  }
  if (before !== undefined && !taken.includes(before) && (await isFree(before))) return before;
  for (;;) {
    const port = await freePort();
    if (!taken.includes(port)) return port;
  }
}
