import type { ResolvedEnvironment, SlurmEnvironment } from '../config/resolved-config.js';
import { InfrastructureError } from '../definition/errors.js';
import { openTransport } from '../transport/open.js';
import type { Prompter } from '../transport/prompter.js';
import type { Transport } from '../transport/transport.js';

export interface Cluster {
  readonly environment: SlurmEnvironment;
  readonly transport: Transport;
}

export const isCluster = (environment: ResolvedEnvironment): environment is SlurmEnvironment =>
  environment.type === 'slurm';

/**
 * The way to an environment's cluster, for whoever looks at files there. Nothing is connected yet.
 *
 * @param prompter asked where a login needs a person; without it, that is refused
 * @throws InfrastructureError where the environment has no cluster
 */
export async function openCluster(environment: ResolvedEnvironment, prompter?: Prompter): Promise<Cluster> {
  if (!isCluster(environment)) {
    throw new InfrastructureError({
      code: 'METALAB_NO_CLUSTER',
      where: `environment ${environment.name}`,
      what: `environments of type '${environment.type}' have no cluster`,
      expected: "an environment of type 'slurm'",
      next: 'metalab env list shows which there are; choose one with --env NAME',
    });
  }
  return { environment, transport: await openTransport(environment, prompter) };
}
