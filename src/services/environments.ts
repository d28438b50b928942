import { UsageError } from '../definition/errors.js';
import type {
  CreateServiceEnvironment,
  ServiceEnvironment,
  ServiceEnvironmentOptions,
} from './service-environment.js';

/** Where services can run, by the type of environment. */
const ENVIRONMENTS: { readonly [type: string]: () => Promise<CreateServiceEnvironment> } = {
  local: async () => {
    const { LocalServices } = await import('./local/local-services.js');
    return (options) => new LocalServices(options);
  },
  slurm: async () => {
    const { SlurmServices } = await import('./slurm/slurm-services.js');
    return (options) => SlurmServices.open(options);
  },
};

/** @throws UsageError METALAB_SERVICE_ENVIRONMENT if environments of this type have no services */
export async function openServiceEnvironment(
  options: ServiceEnvironmentOptions,
): Promise<ServiceEnvironment> {
  const { name, type } = options.environment;
  const load = Object.hasOwn(ENVIRONMENTS, type) ? ENVIRONMENTS[type] : undefined;
  if (load) return (await load())(options);
  throw new UsageError({
    code: 'METALAB_SERVICE_ENVIRONMENT',
    where: `environment ${name}`,
    what: `services can't run in environments of type '${type}'`,
    expected: `an environment of type ${Object.keys(ENVIRONMENTS).join(', ')}`,
    next: 'choose another environment with --env',
  });
}
