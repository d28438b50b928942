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
 * The transport to an environment's cluster, for callers that read files there. It does not connect yet.
 *
 * @param prompter asked if a login needs a person; without it, such a login is refused
 * @throws InfrastructureError if the environment has no cluster
 */
export async function openCluster(environment: ResolvedEnvironment, prompter?: Prompter): Promise<Cluster> {
  if (!isCluster(environment)) {
    throw new InfrastructureError({
      code: 'METALAB_NO_CLUSTER',
      where: `environment ${environment.name}`,
      what: `environments of type '${environment.type}' have no cluster`,
      expected: "an environment of type 'slurm'",
      next: 'metalab env list shows them; choose one with --env NAME',
    });
  }
  return { environment, transport: await openTransport(environment, prompter) };
}
