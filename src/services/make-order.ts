import { resolve } from 'node:path';
import { DEFAULT_STORE, DISCOVER_STORE } from '../config/paths.js';
import type { ResolvedConfig } from '../config/resolved-config.js';
import { UsageError } from '../definition/errors.js';
import type { ServicesOrder } from './order-file.js';
import { projectFolderOf } from './place.js';
import { requirePlan, ServicePlugins } from './plugins.js';
import { readSpecs } from './read-specs.js';

/**
 * What the configuration of an environment asks for.
 *
 * @throws DefinitionError METALAB_CONFIG; UsageError METALAB_NO_SERVICES if it has no services, METALAB_SERVICE_PLAN if one
 *   can't run in environments of this type
 */
export async function makeOrder(config: ResolvedConfig, env: NodeJS.ProcessEnv): Promise<ServicesOrder> {
  const { environment } = config;
  const folder = projectFolderOf(config.project);
  const wanted = await readSpecs(config, new ServicePlugins(folder));
  if (wanted.length === 0)
    throw new UsageError({
      code: 'METALAB_NO_SERVICES',
      where: `environment ${environment.name}`,
      what: 'no services are configured',
      expected: 'a table such as [services.postgres] in .metalab.toml',
      next: 'add it: without keys, metalab creates and keeps a database',
    });
  for (const { found } of wanted) requirePlan(found, environment.type);
  const { store } = environment;
  return {
    project: { name: config.project.name, folder },
    environment,
    specs: wanted.map(({ spec }) => spec),
    store: store === undefined || store === DISCOVER_STORE ? null : store,
    file_root: resolve(folder, DEFAULT_STORE),
    env: Object.fromEntries(
      Object.entries(env).filter(([name]) => name === 'PATH' || name.startsWith('METALAB_')),
    ),
  };
}
