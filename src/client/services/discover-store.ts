import { resolveConfig } from '../../config/resolve-config.js';
import type { ResolvedConfig, ResolvedEnvironment } from '../../config/resolved-config.js';
import { UsageError } from '../../definition/errors.js';
import { readBundle, type ServicesBundle } from '../../services/bundle.js';
import { listPlaces } from '../../services/list-places.js';
import { folderOf, placeOf } from '../../services/place.js';
import { rebuildBundle } from './rebuild-bundle.js';

/**
 * The location of the store that services provide, without password: those of an environment of the project that the current
 * folder is in. Without a project, those that run. Also where they have died: they are started again, and until then the
 * store's files can be used without its index.
 *
 * @param environment or its name; default: METALAB_ENV, else default_env, else `local`
 * @throws UsageError METALAB_STORE_DISCOVER if none runs, or several do and there is no project
 */
export async function discoverStore(environment?: string | ResolvedEnvironment): Promise<string> {
  const name = typeof environment === 'string' ? environment : undefined;
  const config = await resolveConfig(name);
  const bundle =
    config.project.folder === null
      ? soleBundle()
      : await bundleOfProject(typeof environment === 'object' ? { ...config, environment } : config);
  return bundle.store!;
}

async function bundleOfProject(config: ResolvedConfig): Promise<ServicesBundle> {
  const place = placeOf(config);
  const bundle = readBundle(folderOf(place)) ?? (await rebuildBundle(place));
  if (bundle?.store) return bundle;
  const { environment, services } = config;
  if (Object.keys({ ...services, ...environment.services }).length > 0) throw down(environment.name);
  throw new UsageError({
    code: 'METALAB_STORE_DISCOVER',
    where: `environment ${environment.name}`,
    what: "no services are configured, so 'discover' finds no store",
    expected: 'a table such as [services.postgres] in .metalab.toml, or another store',
    next: 'add it and run `metalab services up`, or name the store with --store, e.g. --store ./experiments',
  });
}

/** Where there is no project. */
function soleBundle(): ServicesBundle {
  const found = listPlaces()
    .map((place) => readBundle(folderOf(place)))
    .filter((bundle) => bundle?.store != null) as ServicesBundle[];
  const [sole, ...others] = found;
  if (sole && others.length === 0) return sole;
  const list = found.map(
    ({ project_folder, environment, store }) =>
      `\n    ${project_folder}, environment ${environment}: ${store}`,
  );
  throw new UsageError({
    code: 'METALAB_STORE_DISCOVER',
    what: sole
      ? `the current folder is in no project, and services of several provide a store:${list.join('')}`
      : "the current folder is in no project, and no services that have a store run, so 'discover' finds none",
    expected: 'a folder of a project, or one store',
    next: sole
      ? 'go to the project, or name one of these with --store'
      : 'run `metalab services up` in the project, or name a store with --store, e.g. --store ./experiments',
  });
}

const down = (environment: string) =>
  new UsageError({
    code: 'METALAB_STORE_DISCOVER',
    where: `environment ${environment}`,
    what: "its services are down, so 'discover' finds no store",
    expected: 'services that run',
    next: 'run `metalab services up`, or name a store with --store, e.g. --store ./experiments',
  });
