import { homedir } from 'node:os';
import { formatPath, mistakesOf } from '../config/format-issues.js';
import { absolutePathsAt } from '../config/paths.js';
import type { ResolvedConfig } from '../config/resolved-config.js';
import { mergeTables, type Table } from '../config/table.js';
import { DefinitionError, type Problem } from '../definition/errors.js';
import { isObject } from '../definition/type-guards.js';
import { type FoundPlugin, type ServicePlugins, unknownService } from './plugins.js';
import type { ServiceSpec } from './service.js';

/** A service that is wanted, and its plugin. */
export interface WantedService {
  readonly spec: ServiceSpec;
  readonly found: FoundPlugin;
}

/**
 * The services that an environment asks for: those of `[services]`, with what `[environments.X.services]` says over it,
 * key by key. In the order of their tables.
 *
 * @throws DefinitionError METALAB_CONFIG with every mistake. The files' mistakes have been found when they were read, with
 *   their lines; these are the mistakes of a program's environment
 */
export async function readSpecs(
  { project, environment, services }: ResolvedConfig,
  plugins: ServicePlugins,
): Promise<WantedService[]> {
  const folder = project.folder ?? process.cwd();
  const problems: Problem[] = [];
  const wanted: WantedService[] = [];
  for (const [name, value] of Object.entries(mergeTables(services, environment.services))) {
    const found = await plugins.find(name);
    if (!found) {
      problems.push({ where: `services.${name}`, ...unknownService(name, await plugins.names()) });
      continue;
    }
    const plugin = found.item;
    const { schema, paths = [], consumes } = plugin;
    const table = absolutePathsAt(isObject(value) ? value : {}, paths, folder, homedir());
    const at = ['services', name];
    const parsed = schema.safeParse(table);
    if (!parsed.success || !isObject(value)) {
      for (const { path, missing: _, ...problem } of mistakesOf(schema, isObject(value) ? table : value, at))
        problems.push({ where: formatPath(path), ...problem });
      continue;
    }
    for (const { where = '', ...problem } of plugin.check?.(parsed.data, environment.type) ?? [])
      problems.push({ where: [...at, where].filter(Boolean).join('.'), ...problem });
    const config = parsed.data as Table;
    wanted.push({ found, spec: { name, config, resources: plugin.resources(config), consumes } });
  }
  if (problems.length > 0) throw new DefinitionError(problems, 'METALAB_CONFIG');
  return wanted;
}
