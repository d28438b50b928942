import { basename } from 'node:path';
import { isObject } from '../definition/type-guards.js';
import { type FoundPlugin, type ServicePlugins, unknownService } from '../services/plugins.js';
import { BASE_FILE, LOCAL_FILE } from './find-files.js';
import { formatPath, type Mistake, mistakesOf } from './format-issues.js';
import type { PlacedProblems } from './placed-problems.js';
import type { Path } from './positions.js';
import { mergeTables, type Table, valueAt } from './table.js';
import type { TomlFile } from './toml-file.js';

/**
 * Checks `[services]` and `[environments.X.services]` by the services' plugins: the tables of each file, then those of each
 * environment, merged.
 *
 * @param environments types by name
 */
export async function checkServices(
  files: readonly TomlFile[],
  environments: ReadonlyMap<string, string>,
  plugins: ServicePlugins,
  problems: PlacedProblems,
): Promise<void> {
  const places: Path[] = [['services'], ...[...environments.keys()].map(servicesOf)];
  for (const file of files)
    for (const at of places)
      for (const [name, value] of entriesAt(file.table, at))
        problems.of(file, await mistakesOfTable(file, [...at, name], value, plugins));
  const document = files.reduce((merged, { table }) => mergeTables(merged, table), {} as Table);
  // What is wrong with a shared table is wrong in several environments.
  const reported = new Set<string>();
  for (const [environment, type] of environments)
    for (const mistake of await mistakesTogether(document, environment, type, plugins)) {
      const key = JSON.stringify([mistake.path, mistake.what]);
      if (!reported.has(key)) problems.together(mistake);
      reported.add(key);
    }
}

/** The services of any environment that provide a store. */
export async function servicesWithStore(
  document: Table,
  environments: Iterable<string>,
  plugins: ServicePlugins,
): Promise<ReadonlySet<string>> {
  const places: Path[] = [['services'], ...[...environments].map(servicesOf)];
  const names = new Set(places.flatMap((at) => entriesAt(document, at).map(([name]) => name)));
  const found = await Promise.all([...names].map((name) => plugins.find(name)));
  return new Set(found.flatMap((one) => (one?.item.provides.includes('store') ? [one.name] : [])));
}

const servicesOf = (environment: string): Path => ['environments', environment, 'services'];

async function mistakesOfTable(
  file: TomlFile,
  at: Path,
  value: unknown,
  plugins: ServicePlugins,
): Promise<Mistake[]> {
  const name = String(at.at(-1));
  const found = await plugins.find(name);
  if (!found) return [{ path: at, ...unknownService(name, await plugins.names()) }];
  if (!isObject(value))
    return [{ path: at, what: `${formatPath(at)} is ${JSON.stringify(value)}`, expected: 'a table' }];
  const mistakes = mistakesOf(found.item.schema, value, at).filter(({ missing }) => !missing);
  if (basename(file.path) === BASE_FILE) mistakes.push(...sharedSecrets(found, value, at));
  return mistakes;
}

/** Secrets in the file that others get with the project. */
const sharedSecrets = ({ item: { secrets = [] } }: FoundPlugin, table: Table, at: Path): Mistake[] =>
  secrets
    .map((key) => key.split('.'))
    .filter((key) => valueAt(table, key) !== undefined)
    .map((key) => ({
      path: [...at, ...key],
      what: `a ${key.at(-1)} is in ${BASE_FILE}, which others get with the project`,
      expected: `${LOCAL_FILE} beside it, which is yours alone`,
    }));

/** What is missing, and what does not fit together. */
async function mistakesTogether(
  document: Table,
  environment: string,
  type: string,
  plugins: ServicePlugins,
): Promise<Mistake[]> {
  const own = servicesOf(environment);
  const names = new Set(
    [...entriesAt(document, ['services']), ...entriesAt(document, own)].map(([name]) => name),
  );
  const mistakes: Mistake[] = [];
  for (const name of names) {
    const found = await plugins.find(name);
    const tables = [
      ['services', name],
      [...own, name],
    ].map((at) => valueAt(document, at) ?? {});
    if (!found || !tables.every(isObject)) continue;
    const [shared, over] = tables as [Table, Table];
    const at = valueAt(document, [...own, name]) === undefined ? ['services', name] : [...own, name];
    const plugin = found.item;
    const { schema } = plugin;
    const merged = mergeTables(shared, over);
    const parsed = schema.safeParse(merged);
    if (!parsed.success) mistakes.push(...mistakesOf(schema, merged, at).filter(({ missing }) => missing));
    else
      for (const { where, ...problem } of plugin.check?.(parsed.data, type) ?? []) {
        const key = where?.split('.') ?? [];
        const isOwn = valueAt(over, key) !== undefined;
        mistakes.push({
          ...problem,
          what: where ? `${where} ${problem.what}` : problem.what,
          path: [...(isOwn ? [...own, name] : ['services', name]), ...key],
        });
      }
  }
  return mistakes;
}

function entriesAt(table: Table, path: Path): [string, unknown][] {
  const value = valueAt(table, path);
  return isObject(value) ? Object.entries(value) : [];
}
