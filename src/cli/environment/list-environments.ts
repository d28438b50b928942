import type { ProjectConfig } from '../../config/project-config.js';
import { DefinitionError } from '../../definition/errors.js';

/** One row of `env list`. */
interface ListedEnvironment {
  readonly name: string;
  readonly type: string;
  /** Its gateway's host, if it has one. */
  readonly place: string;
  readonly store: string | null;
  /** Whether it is used if none is named. */
  readonly used: boolean;
}

export function listEnvironments(config: ProjectConfig): ListedEnvironment[] {
  return config.environments.map(({ name, type }) => ({
    name,
    type,
    ...placeAndStore(config, name),
    used: name === config.chosen.name,
  }));
}

/** A wrong variable for one environment must not hide the others. */
function placeAndStore(config: ProjectConfig, name: string): Pick<ListedEnvironment, 'place' | 'store'> {
  try {
    const { environment } = config.resolve(name);
    const place = 'gateway' in environment && environment.gateway ? environment.gateway.host : 'this machine';
    return { place, store: environment.store ?? null };
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    return { place: `? (${error.problems[0]?.where ?? 'see metalab env show'})`, store: null };
  }
}
