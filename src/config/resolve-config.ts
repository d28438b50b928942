import { homedir } from 'node:os';
import { deepFreeze } from '../definition/deep-freeze.js';
import { findConfigFolder } from './find-files.js';
import { absolutePath } from './paths.js';
import type { Flags, LoadOptions } from './project-config.js';
import type { ResolvedConfig } from './resolved-config.js';

/**
 * What the configuration of a folder says of an environment: see ProjectConfig. Where there are no files, and no executor's
 * variable or option, neither the parser nor zod is loaded: 60 ms.
 *
 * @param name default: METALAB_ENV, else default_env, else `local`
 * @throws DefinitionError, UsageError as ProjectConfig
 */
export async function resolveConfig(
  name: string | undefined,
  { flags = {}, ...options }: LoadOptions & { readonly flags?: Flags } = {},
): Promise<ResolvedConfig> {
  const { folder = process.cwd(), variables = process.env } = options;
  const { store = variables.METALAB_STORE, ...others } = flags;
  const says = [variables.METALAB_SLOTS, ...Object.values(others)].some(Boolean);
  const isLocal = (name ?? (variables.METALAB_ENV || 'local')) === 'local';
  if (isLocal && !says && findConfigFolder(folder) === undefined) return bareConfig(store, variables);
  const { ProjectConfig } = await import('./project-config.js');
  return (await ProjectConfig.load(options)).resolve(name, flags);
}

function bareConfig(store: unknown, variables: NodeJS.ProcessEnv): ResolvedConfig {
  const home = variables.HOME || homedir();
  const place =
    typeof store === 'string' && store !== '' ? { store: absolutePath(store, process.cwd(), home) } : {};
  return deepFreeze({
    project: { name: null, folder: null },
    environment: { name: 'local', type: 'local', ...place, services: {}, executor: {} },
    services: {},
  });
}
