import { UsageError } from '../../definition/errors.js';
import { nearestName } from '../../definition/nearest.js';
import type { ServicesBundle } from '../bundle.js';

/** A service that is reached through a tunnel. */
export type ServiceTarget = ServicesBundle['tunnels'][number];

/**
 * The services that tunnels are to lead to.
 *
 * @param environment its name
 * @param bundle undefined: none is known
 * @param service undefined: all
 * @throws UsageError if there are none, none of the name, or they answer on this machine
 */
export function chooseTargets(
  environment: string,
  bundle: Pick<ServicesBundle, 'handles' | 'tunnels'> | undefined,
  service: string | undefined,
): readonly ServiceTarget[] {
  const where = `environment ${environment}`;
  const { handles, tunnels } = bundle ?? { handles: [], tunnels: [] };
  const names = handles.map(({ name }) => name);
  if (service !== undefined && handles.length > 0 && !names.includes(service)) {
    const near = nearestName(service, names);
    throw new UsageError({
      code: 'METALAB_SERVICE',
      where,
      what: `there is no service '${service}'`,
      expected: `one of ${names.join(', ')}`,
      next: near ? `did you mean ${near}?` : 'metalab services status shows them',
    });
  }
  const targets = tunnels.filter((target) => service === undefined || target.service === service);
  if (targets.length > 0) return targets;
  const here = handles.filter(
    ({ name, host }) => (service === undefined || service === name) && host === '127.0.0.1',
  );
  if (here.length > 0)
    throw new UsageError({
      code: 'METALAB_TUNNEL',
      where,
      what: `no tunnel is needed: ${here.map(({ name, host, port }) => `${name} is at ${host}:${port}`).join(', ')}`,
      next: 'use these addresses, or name the environment of a cluster with --env',
    });
  throw new UsageError({
    code: 'METALAB_TUNNEL',
    where,
    what: service === undefined ? 'no services of it run' : `${service} does not run`,
    next: `run \`metalab services up --env ${environment}\``,
  });
}
