import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { randomPort } from '../../engine/server/ports.js';
import type { ClusterPlace, Provision, ServicePlan, SlurmFragment } from '../plugin.js';
import { planFor } from '../plugins.js';
import type { ServiceSpec } from '../service.js';
import type { ServiceEnvironmentOptions } from '../service-environment.js';
import type { ClusterFiles } from './cluster-files.js';
import type { PlannedService } from './read-jobs.js';

export interface MadePlan {
  readonly spec: ServiceSpec;
  readonly port: number;
  readonly plan: ServicePlan<SlurmFragment>;
}

/** Where services of one job reach each other: they are on one node. */
const HOST = '127.0.0.1';

/**
 * Plans of all services for one job, in the order of their starts.
 *
 * @param before the last job's services: ports are kept
 * @param avoid ports that were taken
 * @throws what plugins throw
 */
export async function makePlans(
  specs: readonly ServiceSpec[],
  { plugin, folder, store, file_root, env }: ServiceEnvironmentOptions,
  { files, cluster }: { readonly files: ClusterFiles; readonly cluster: ClusterPlace },
  before: readonly PlannedService[],
  avoid: ReadonlySet<number>,
): Promise<MadePlan[]> {
  const made: MadePlan[] = [];
  const provided: Provision[] = [];
  for (const spec of specs) {
    const { name } = spec;
    const taken = new Set([...avoid, ...made.map(({ port }) => port)]);
    const port = choosePort(spec, before.find((service) => service.name === name)?.port, taken);
    const private_folder = join(folder, 'private', name);
    mkdirSync(private_folder, { recursive: true, mode: 0o700 });
    const plan = await planFor({ name, item: await plugin(name) }, 'slurm')(spec, {
      ...{ folder: files.data(name), private_folder, port, host: HOST, cluster, store, file_root, env },
      provided: provided.filter(({ kind }) => spec.consumes.includes(kind)),
    });
    made.push({ spec, port, plan });
    const { credentials, metadata, provides } = plan;
    const handle = {
      ...{ name, host: HOST, port, status: 'starting' as const, credentials, metadata, provides },
      ...{ process_id: null, since: null, restarts: 0, log: files.log(name) },
    };
    provided.push(...provides.map((one) => ({ ...one, handle })));
  }
  return made;
}

/** The node is not known yet: its script finds out whether the port is free there. */
function choosePort({ config }: ServiceSpec, before: number | undefined, taken: ReadonlySet<number>): number {
  if (typeof config.port === 'number') return config.port;
  if (before !== undefined && !taken.has(before)) return before;
  for (;;) {
    const port = randomPort();
    if (!taken.has(port)) return port;
  }
}
