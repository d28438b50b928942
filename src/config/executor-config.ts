import { homedir } from 'node:os';
import type { z } from 'zod';
import { deepFreeze } from '../definition/deep-freeze.js';
import { DefinitionError } from '../definition/errors.js';
import { isObject } from '../definition/type-guards.js';
import { COMMON_KEYS, commonMistakes, likelyType, ownKeys, unknownType } from './check-files.js';
import { EnvironmentTypes, type FoundType } from './environment-types.js';
import { type Mistake, mistakesOf } from './format-issues.js';
import { makeEnvironment } from './make-environment.js';
import { withAbsolutePaths } from './paths.js';
import type { ResolvedEnvironment } from './resolved-config.js';
import { fieldsOf } from './schema-shape.js';
import type { Table } from './table.js';
import type { LocalSettings } from './types/local.js';
import type { SlurmSettings } from './types/slurm.js';

/** The keys of an environment's `executor` table may stand beside its other keys, too. */
type WithExecutorKeys<Settings> = Settings & (Settings extends { executor?: infer Keys } ? Keys : unknown);

interface Common {
  /** Relative to the current folder; also absolute, `~/…`, a uri. */
  readonly store?: string;
  readonly services?: { readonly [service: string]: unknown };
}

/**
 * Where runs execute, as an environment of `.metalab.toml` says it: `{ type: 'local', slots: 8 }`. Variables such as
 * METALAB_PARTITION don't change it.
 */
export type ExecutorConfig = Common &
  (
    | ({ readonly type: 'local' } & WithExecutorKeys<z.input<LocalSettings>>)
    | ({ readonly type: 'slurm' } & WithExecutorKeys<z.input<SlurmSettings>>)
    /** A type from an installed package. */
    | { readonly type: string; readonly [key: string]: unknown }
  );

/**
 * The environment that a config describes. It has the name of its type.
 *
 * @throws DefinitionError METALAB_CONFIG with every mistake
 */
export async function environmentOfConfig({ ...config }: ExecutorConfig): Promise<ResolvedEnvironment> {
  const types = new EnvironmentTypes(process.cwd());
  const named = typeof config.type === 'string' ? await types.find(config.type) : undefined;
  const found = named ?? (await likelyType(config.type, config, types));
  const { table, mistakes } = checkKeys(config, found);
  if (!named && typeof config.type === 'string')
    mistakes.unshift(await unknownType(config.type, [...AT, 'type'], types));
  if (config.type === undefined)
    mistakes.unshift({
      path: AT,
      what: 'executor has no type',
      expected: `one of ${(await types.names()).join(', ')}`,
    });
  const problems = mistakes.map(({ path: _, missing: __, ...problem }) => problem);
  if (!named || problems.length > 0) throw new DefinitionError(problems, 'METALAB_CONFIG');
  const absolute = withAbsolutePaths(table, named.type, process.cwd(), process.env.HOME || homedir());
  const environment = makeEnvironment(named.name, { found: named, table: absolute }, () => 'executor');
  // It is sent to other processes as JSON: values that JSON drops must not exist on this side either.
  return deepFreeze(JSON.parse(JSON.stringify(environment)) as ResolvedEnvironment);
}

const AT = ['executor'];

/** The table as `.metalab.toml` has it, and what is wrong with it. */
function checkKeys(
  config: Table,
  found: FoundType | undefined,
): { readonly table: Table; readonly mistakes: Mistake[] } {
  const mistakes = commonMistakes(config, AT);
  if (!found) return { table: config, mistakes };
  const { schema } = found.type;
  const { executor, ...own } = fieldsOf(schema) ?? {};
  const names = Object.keys((executor && fieldsOf(executor)) ?? {}).filter(
    (name) => !Object.hasOwn(own, name),
  );
  const isBeside = ([key]: readonly [string, unknown]) => names.includes(key);
  const beside = Object.fromEntries(Object.entries(config).filter(isBeside));
  const table = Object.fromEntries(Object.entries(config).filter((entry) => !isBeside(entry)));
  mistakes.push(...mistakesOf(schema, ownKeys(table), AT, [...COMMON_KEYS, ...names]));
  if (!executor || Object.keys(beside).length === 0) return { table, mistakes };
  mistakes.push(...mistakesOf(executor, beside, AT));
  const within = isObject(table.executor) ? table.executor : {};
  for (const key of Object.keys(beside).filter((name) => Object.hasOwn(within, name)))
    mistakes.push({ path: [...AT, key], what: `executor has ${key} twice`, expected: 'one of them' });
  return { table: { ...table, executor: { ...within, ...beside } }, mistakes };
}
