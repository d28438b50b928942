import { basename } from 'node:path';
import { z } from 'zod';
import type { Problem } from '../definition/errors.js';
import { nearestName } from '../definition/nearest.js';
import { isObject } from '../definition/type-guards.js';
import type { ServicePlugins } from '../services/plugins.js';
import { checkServices, servicesWithStore } from './check-services.js';
import type { Schema } from './environment-type.js';
import type { EnvironmentTypes, FoundType } from './environment-types.js';
import { services, text } from './fields.js';
import { BASE_FILE, LOCAL_FILE } from './find-files.js';
import { formatPath, type Mistake, mistakesOf } from './format-issues.js';
import { PlacedProblems } from './placed-problems.js';
import type { Path } from './positions.js';
import { mergeTables, type Table, valueAt, withValue } from './table.js';
import type { TomlFile } from './toml-file.js';
import { variableOf } from './variables.js';

const TABLE = { error: 'a table' };
const DOCUMENT = z.strictObject({
  project: z.strictObject({ name: text().optional(), default_env: text().optional() }, TABLE).optional(),
  environments: z.record(z.string(), z.record(z.string(), z.unknown(), TABLE), TABLE).optional(),
  services: services.optional(),
  postgresql: z.strictObject({ password: text().optional() }, TABLE).optional(),
});
const PASSWORD = ['postgresql', 'password'];
const COMMON = z.object({
  type: text('the name of a type').optional(),
  store: text('a path or a uri').optional(),
  services: services.optional(),
});
export const COMMON_KEYS = Object.keys(COMMON.shape);

/** An environment as the files declare it together. */
export interface DeclaredEnvironment {
  readonly found: FoundType;
  /** Merged, with all of its keys. */
  readonly table: Table;
}

export interface CheckedFiles {
  /** Both files, merged. */
  readonly document: Table;
  readonly environments: ReadonlyMap<string, DeclaredEnvironment>;
  /** Names of services that provide a store. */
  readonly stores: ReadonlySet<string>;
  /** All problems of both files. */
  readonly problems: readonly Problem[];
}

export interface CheckOptions {
  readonly types: EnvironmentTypes;
  readonly plugins: ServicePlugins;
  readonly variables: NodeJS.ProcessEnv;
}

/** Merges a configuration's files, base first. Checks each file, then the merged configuration. */
export async function checkFiles(
  files: readonly TomlFile[],
  { types, plugins, variables }: CheckOptions,
): Promise<CheckedFiles> {
  const problems = new PlacedProblems(files);
  for (const file of files) {
    problems.of(file, mistakesOf(DOCUMENT, file.table, []));
    if (basename(file.path) === BASE_FILE && valueAt(file.table, PASSWORD) !== undefined)
      problems.of(file, [
        {
          path: PASSWORD,
          what: `a password is in ${BASE_FILE}, which others get with the project`,
          expected: `${LOCAL_FILE} beside it, which is yours alone`,
        },
      ]);
  }
  const environments = new Map<string, DeclaredEnvironment>();
  const names = new Set(files.flatMap(({ table }) => Object.keys(tableAt(table, ['environments']))));
  for (const name of names) {
    const declared = await checkEnvironment(name, files, { types, problems, variables });
    if (declared) environments.set(name, declared);
  }
  const typesByName = new Map([...environments].map(([name, { found }]) => [name, found.name]));
  if (names.size === 0) typesByName.set('local', 'local');
  await checkServices(files, typesByName, plugins, problems);
  const document = files.reduce((merged, { table }) => mergeTables(merged, table), {} as Table);
  const chosen = valueAt(document, ['project', 'default_env']);
  const known = [...new Set(['local', ...names])];
  if (typeof chosen === 'string' && !known.includes(chosen)) {
    const near = nearestName(chosen, known);
    problems.together({
      path: ['project', 'default_env'],
      what: `there is no environment '${chosen}'`,
      expected: `one of ${known.join(', ')}`,
      ...(near ? { next: `did you mean ${near}?` } : {}),
    });
  }
  const stores = await servicesWithStore(document, environments.keys(), plugins);
  return { document, environments, stores, problems: problems.all };
}

interface Dependencies {
  readonly types: EnvironmentTypes;
  readonly problems: PlacedProblems;
  readonly variables: NodeJS.ProcessEnv;
}

async function checkEnvironment(
  name: string,
  files: readonly TomlFile[],
  { types, problems, variables }: Dependencies,
): Promise<DeclaredEnvironment | undefined> {
  const at = ['environments', name];
  const typeIn = ({ table }: TomlFile) => valueAt(table, [...at, 'type']);
  const effective =
    files.map(typeIn).findLast((type) => type !== undefined) ?? (name === 'local' ? 'local' : undefined);
  const isOne = files.some(({ table }) => isObject(valueAt(table, at)));
  if (effective === undefined && isOne) {
    const names = (await types.names()).join(', ');
    problems.together({
      path: [...at, 'type'],
      what: `[${formatPath(at)}] has no type`,
      expected: `type = one of ${names}`,
    });
  }
  let merged: Table = {};
  for (const file of files) {
    const table = tableAt(file.table, at);
    problems.of(file, commonMistakes(table, at));
    if (holdsPassword(table.store)) problems.of(file, [passwordInUri([...at, 'store'])]);
    // A file's keys belong to the type that it names itself, even if another file changes the type.
    const own = typeIn(file) ?? effective;
    const type = typeof own === 'string' ? await types.find(own) : undefined;
    if (typeof own === 'string' && !type && typeIn(file) !== undefined)
      problems.of(file, [await unknownType(own, [...at, 'type'], types)]);
    const schema = (type ?? (await likelyType(own, table, types)))?.type.schema;
    if (schema)
      problems.of(
        file,
        mistakesOf(schema, ownKeys(table), at, COMMON_KEYS).filter(({ missing }) => !missing),
      );
    merged = mergeTables(merged, table);
  }
  const found = typeof effective === 'string' ? await types.find(effective) : undefined;
  if (!found) return undefined;
  const changed = files.some((file) => ![undefined, effective].includes(typeIn(file) as string | undefined));
  if (changed) merged = onlyWhatFits(merged, found.type.schema);
  checkTogether(merged, found, at, { problems, variables });
  return { found, table: merged };
}

/** It would be recorded with the environment. */
const holdsPassword = (store: unknown) =>
  typeof store === 'string' && /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*:.*@|.*[?&]password=)/i.test(store);

const passwordInUri = (path: Path): Mistake => ({
  path,
  what: 'the uri of the store holds a password, which would be recorded',
  expected: 'a uri without a password',
  next: `write it to ${LOCAL_FILE}: [postgresql] password = "…", or to ~/.pgpass, or set PGPASSWORD`,
});

/** If a file changed the type, keys that only the other type has are left out. */
function onlyWhatFits(table: Table, schema: Schema): Table {
  return mistakesOf(schema, ownKeys(table), [])
    .filter(({ missing }) => !missing)
    .reduce((kept, { path }) => withValue(kept, path.map(String), undefined), table);
}

function checkTogether(
  table: Table,
  { type }: FoundType,
  at: Path,
  { problems, variables }: Pick<Dependencies, 'problems' | 'variables'>,
): void {
  const isSet = (key: string | number | undefined) => Boolean(variables[variableOf(String(key))]);
  const checked = type.schema.safeParse(ownKeys(table));
  if (checked.success) {
    for (const { where, ...problem } of type.check?.(checked.data) ?? [])
      problems.together({
        ...problem,
        what: where ? `${where} ${problem.what}` : problem.what,
        path: [...at, ...(where?.split('.') ?? [])],
      });
    return;
  }
  // A variable may provide what the files lack.
  for (const mistake of mistakesOf(type.schema, ownKeys(table), at))
    if (mistake.missing && !isSet(mistake.path.at(-1))) problems.together(mistake);
}

export async function unknownType(type: string, path: Path, types: EnvironmentTypes): Promise<Mistake> {
  const names = await types.names();
  const near = nearestName(type, names);
  return {
    path,
    what: `there is no type of environments '${type}'`,
    expected: `one of ${names.join(', ')}, or one of an installed package`,
    next: near ? `did you mean ${near}?` : 'install the package that has it in the project',
  };
}

/** The type to check a table by if its type is mistyped or missing, so that all its problems are reported together. */
export async function likelyType(
  own: unknown,
  table: Table,
  types: EnvironmentTypes,
): Promise<FoundType | undefined> {
  const names = await types.names();
  if (typeof own === 'string') {
    const near = nearestName(own, names);
    return near === undefined ? undefined : types.find(near);
  }
  const found = (await Promise.all(names.map((name) => types.find(name)))).filter(
    (type) => type !== undefined,
  );
  const count = ({ type }: FoundType) =>
    mistakesOf(type.schema, ownKeys(table), []).filter(({ missing }) => !missing).length;
  return found.sort((a, b) => count(a) - count(b))[0];
}

/** What is wrong with the keys that all environments have. */
export const commonMistakes = (table: Table, at: Path): Mistake[] => mistakesOf(COMMON, table, at);

/** An environment's table without the keys that all environments have. */
export const ownKeys = (table: Table): Table =>
  Object.fromEntries(Object.entries(table).filter(([key]) => !COMMON_KEYS.includes(key)));

function tableAt(table: Table, path: Path): Table {
  const value = valueAt(table, path);
  return isObject(value) ? value : {};
}
