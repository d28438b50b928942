import { UsageError } from '../definition/errors.js';
import { nearestName } from '../definition/nearest.js';
import type { Found } from '../extensions/registry.js';
import { Registry } from '../extensions/registry.js';
import type { ServicePlugin } from './plugin.js';

/** The kinds of services, by the name of their table in `[services]`. */
const PLUGINS: { readonly [name: string]: () => Promise<ServicePlugin> } = {
  postgres: async () => (await import('./postgres/plugin.js')).postgres as ServicePlugin,
  atlas: async () => (await import('./atlas/plugin.js')).atlas as ServicePlugin,
};

/** A plugin, and the package that it comes from. */
export type FoundPlugin = Found<ServicePlugin>;

/** Finds plugins: metalab's own, and those of packages installed where a project is. */
export class ServicePlugins extends Registry<ServicePlugin> {
  constructor(folder: string) {
    super('services', PLUGINS, folder);
  }

  /** @throws UsageError METALAB_SERVICE if there is none of the name */
  async require(name: string): Promise<FoundPlugin> {
    const found = await this.find(name);
    if (found) return found;
    throw new UsageError({ code: 'METALAB_SERVICE', ...unknownService(name, await this.names()) });
  }
}

/** The error for a name that no plugin has. */
export function unknownService(name: string, known: readonly string[]) {
  const near = nearestName(name, known);
  return {
    what: `there is no service '${name}'`,
    expected: `one of ${known.join(', ')}, or one of an installed package`,
    next: near
      ? `did you mean ${near}?`
      : `install the package that has it in the project: its package.json has "metalab": { "services": { "${name}": "./….js" } }`,
  };
}

type Plans = ServicePlugin['plans'];

/**
 * A plugin's plan for a type of environments.
 *
 * @throws UsageError METALAB_SERVICE_PLAN if it has none
 */
export function planFor<Type extends keyof Plans>(
  { name, item: { plans } }: Planned,
  type: Type,
): NonNullable<Plans[Type]> {
  const plan = plans[type];
  if (plan) return plan;
  throw noPlan({ name, item: { plans } }, type);
}

/** Throws as {@link planFor}, for a type of any name. */
export function requirePlan(found: Planned, type: string): void {
  if (!Object.hasOwn(found.item.plans, type)) throw noPlan(found, type);
}

interface Planned {
  readonly name: string;
  readonly item: Pick<ServicePlugin, 'plans'>;
}

function noPlan({ name, item }: Planned, type: string): UsageError {
  const types = Object.keys(item.plans);
  return new UsageError({
    code: 'METALAB_SERVICE_PLAN',
    what: `the service '${name}' can't run in an environment of type ${type}`,
    expected: types.length > 0 ? `an environment of type ${types.join(', ')}` : 'a plugin that plans for it',
    next: 'remove its table from the environment, or choose another environment with --env',
  });
}
