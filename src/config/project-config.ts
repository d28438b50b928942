import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { deepFreeze } from '../definition/deep-freeze.js';
import { DefinitionError, UsageError } from '../definition/errors.js';
import { nearestName } from '../definition/nearest.js';
import { optionProblems } from '../definition/refuse.js';
import { isObject } from '../definition/type-guards.js';
import { ServicePlugins } from '../services/plugins.js';
import { type CheckedFiles, checkFiles, type DeclaredEnvironment } from './check-files.js';
import { EnvironmentTypes } from './environment-types.js';
import { BASE_FILE, findConfigFolder, LOCAL_FILE } from './find-files.js';
import { formatPath } from './format-issues.js';
import { makeEnvironment } from './make-environment.js';
import { DISCOVER_STORE, withAbsolutePaths } from './paths.js';
import type { ResolvedConfig } from './resolved-config.js';
import { type Table, valueAt, withValue } from './table.js';
import { readTomlFile, shortPath, type TomlFile } from './toml-file.js';
import { valuesOfVariables } from './variables.js';

export interface LoadOptions {
  /** Where the search for the files begins. Default: the current folder. */
  readonly folder?: string;
  /** Default: `process.env`. */
  readonly variables?: NodeJS.ProcessEnv;
}

/** Options of the command line, by a key's path: `store`, `executor.slots`. */
export type Flags = { readonly [key: string]: unknown };

/** A value of an environment, and where it comes from: `file:line`, a variable, an option or `default`. */
export interface ExplainedValue {
  readonly key: string;
  readonly value: unknown;
  readonly from: string;
}

/** A merged table, and where each value comes from, by its key. */
interface Layered {
  readonly table: Table;
  readonly from: ReadonlyMap<string, string>;
}

const LOCAL = 'local';

/** `.metalab.toml` and `.metalab.local.toml` of a project; without them the environment `local` still exists. */
export class ProjectConfig {
  /** The files' folder; null if there are none. */
  readonly folder: string | null;
  /** The files that were read. */
  readonly files: readonly string[];
  readonly #files: readonly TomlFile[];
  readonly #checked: CheckedFiles;
  readonly #bare: DeclaredEnvironment;
  readonly #variables: NodeJS.ProcessEnv;

  private constructor(
    folder: string | undefined,
    files: readonly TomlFile[],
    checked: CheckedFiles,
    bare: DeclaredEnvironment,
    variables: NodeJS.ProcessEnv,
  ) {
    this.folder = folder ?? null;
    this.files = files.map(({ path }) => path);
    this.#files = files;
    this.#checked = checked;
    this.#bare = bare;
    this.#variables = variables;
  }

  /**
   * Finds, reads and checks the files.
   *
   * @throws DefinitionError METALAB_CONFIG with all problems of both files
   */
  static async load(options: LoadOptions = {}): Promise<ProjectConfig> {
    const misused = optionProblems('loadConfig', options, ['folder', 'variables']);
    if (misused.length > 0) throw new DefinitionError(misused, 'METALAB_OPTION');
    const { folder: from = process.cwd(), variables = process.env } = options;
    const folder = findConfigFolder(from);
    const read = folder ? [BASE_FILE, LOCAL_FILE].map((name) => readTomlFile(join(folder, name))) : [];
    const files = (await Promise.all(read)).filter((file) => file !== undefined);
    const place = folder ?? resolve(from);
    const types = new EnvironmentTypes(place);
    const checked = await checkFiles(files, { types, plugins: new ServicePlugins(place), variables });
    if (checked.problems.length > 0) throw new DefinitionError(checked.problems, 'METALAB_CONFIG');
    const bare = { found: (await types.find(LOCAL))!, table: {} };
    return new ProjectConfig(folder, files, checked, bare, variables);
  }

  /** That of indexes in PostgreSQL; in no environment, since these are recorded. */
  get postgresqlPassword(): string | undefined {
    const password = valueAt(this.#checked.document, ['postgresql', 'password']);
    return typeof password === 'string' ? password : undefined;
  }

  /** Every environment's name and type; `local` is always one. */
  get environments(): readonly { readonly name: string; readonly type: string }[] {
    const declared = [...this.#checked.environments].map(([name, { found }]) => ({ name, type: found.name }));
    return declared.some(({ name }) => name === LOCAL)
      ? declared
      : [{ name: LOCAL, type: LOCAL }, ...declared];
  }

  /** The environment that is used if none is named: METALAB_ENV, else default_env, else `local`. */
  get chosen(): { readonly name: string; readonly from: string } {
    const { METALAB_ENV } = this.#variables;
    if (METALAB_ENV) return { name: METALAB_ENV, from: 'METALAB_ENV' };
    const path = ['project', 'default_env'];
    const name = valueAt(this.#checked.document, path);
    return typeof name === 'string' ? { name, from: this.#place(path) } : { name: LOCAL, from: 'default' };
  }

  /**
   * Resolves an environment: options of the command line override variables, which override the files.
   *
   * @param name default: see `chosen`
   * @throws UsageError METALAB_ENVIRONMENT if there is none of the name; DefinitionError METALAB_CONFIG with every
   *   mistake of variables and options
   */
  resolve(name?: string, flags: Flags = {}): ResolvedConfig {
    const { found, layered, name: resolved } = this.#layer(name, flags);
    const { table, from } = layered;
    const environment = makeEnvironment(resolved, { found, table }, (key) =>
      this.#origin(from, resolved, key),
    );
    const { project = {}, services: shared = {} } = this.#checked.document as {
      readonly project?: { readonly name?: string };
      readonly services?: Table;
    };
    const config: ResolvedConfig = {
      project: { name: project.name ?? null, folder: this.folder },
      environment,
      services: shared,
    };
    // It is sent to other processes as JSON: values that JSON drops must not exist on this side either.
    return deepFreeze(JSON.parse(JSON.stringify(config)) as ResolvedConfig);
  }

  /** Every value of an environment and where it comes from; defaults too. */
  explain(name?: string, flags: Flags = {}): ExplainedValue[] {
    const { found, layered, name: resolved } = this.#layer(name, flags);
    const { table, from } = layered;
    const given = [...leavesOf({ type: found.name, ...table })].map(([path, value]) => {
      const key = formatPath(path);
      return { key, value, from: this.#origin(from, resolved, key) };
    });
    const defaults = { store: './experiments', ...found.type.defaults };
    const rest = Object.entries(defaults).filter(([key]) => valueAt(table, key.split('.')) === undefined);
    return [...given, ...rest.map(([key, value]) => ({ key, value, from: 'default' }))];
  }

  #layer(asked: string | undefined, flags: Flags) {
    const name = asked ?? this.chosen.name;
    const { found, table } = this.#find(name, asked === undefined ? this.chosen.from : undefined);
    const at = ['environments', name];
    const from = new Map(
      [...leavesOf(table)].map(([path]) => [formatPath(path), this.#place([...at, ...path])]),
    );
    const home = this.#variables.HOME || homedir();
    let layered = withAbsolutePaths(table, found.type, this.folder ?? process.cwd(), home);
    const set = (path: readonly string[], value: unknown, origin: string) => {
      layered = withAbsolutePaths(withValue(layered, path, value), found.type, process.cwd(), home);
      from.set(formatPath(path), origin);
    };
    const { METALAB_STORE } = this.#variables;
    const service = this.#serviceWithStore(table);
    if (service && valueAt(table, ['store']) === undefined)
      set(['store'], DISCOVER_STORE, this.#place([...(valueAt(table, service) ? at : []), ...service]));
    if (METALAB_STORE) set(['store'], METALAB_STORE, 'METALAB_STORE');
    for (const { path, value, variable } of valuesOfVariables(found.type.schema, this.#variables))
      set(path, value, variable);
    for (const [key, value] of Object.entries(flags))
      if (value !== undefined) set(key.split('.'), value, `--${key.split('.').at(-1)?.replaceAll('_', '-')}`);
    return { name, found, layered: { table: layered, from } satisfies Layered };
  }

  /** The key of a service of an environment that provides its store. */
  #serviceWithStore(table: Table): readonly string[] | undefined {
    const named = [this.#checked.document, table].flatMap((of) => {
      const services = valueAt(of, ['services']);
      return isObject(services) ? Object.keys(services) : [];
    });
    const found = named.find((service) => this.#checked.stores.has(service));
    return found === undefined ? undefined : ['services', found];
  }

  #find(name: string, from: string | undefined): DeclaredEnvironment {
    const declared = this.#checked.environments.get(name) ?? (name === LOCAL ? this.#bare : undefined);
    if (declared) return declared;
    const names = this.environments.map((environment) => environment.name);
    const near = nearestName(name, names);
    throw new UsageError({
      code: 'METALAB_ENVIRONMENT',
      ...(from ? { where: from } : {}),
      what: `there is no environment '${name}'`,
      expected: `one of ${names.join(', ')}`,
      next: near
        ? `did you mean ${near}?`
        : `declare it as [environments.${name}] in ${this.files[0] ? shortPath(this.files[0]) : `${BASE_FILE}: metalab init writes one with examples`}`,
    });
  }

  #origin(from: ReadonlyMap<string, string>, name: string, key: string): string {
    const known =
      from.get(key) ?? [...from].find(([other]) => key !== '' && other.startsWith(`${key}.`))?.[1];
    return (
      known ??
      (this.#files.length > 0 && this.#checked.environments.has(name)
        ? this.#place(['environments', name])
        : 'default')
    );
  }

  /** Where a value of the files stands: the local file's is over the base's. */
  #place(path: readonly (string | number)[]): string {
    const file = this.#files.findLast((candidate) => candidate.has(path)) ?? this.#files[0];
    return file?.place(path) ?? 'default';
  }
}

function* leavesOf(
  table: Table,
  at: readonly string[] = [],
): Generator<[path: readonly string[], value: unknown]> {
  for (const [key, value] of Object.entries(table)) {
    if (isObject(value)) yield* leavesOf(value, [...at, key]);
    else yield [[...at, key], value];
  }
}
