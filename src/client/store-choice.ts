import { resolve } from 'node:path';
import type { ExecutorConfig } from '../config/executor-config.js';
import { DEFAULT_STORE } from '../config/paths.js';
import { resolveConfig } from '../config/resolve-config.js';
import type { ResolvedEnvironment } from '../config/resolved-config.js';
import { MetalabError, UsageError } from '../definition/errors.js';
import {
  FAILURE_LIMIT_EXPECTATION,
  type FailureLimit,
  parseFailureLimit,
} from '../definition/failure-limit.js';
import type { FileStore } from '../storage/file/file-store.js';
import { refuseUntrusted } from '../storage/file/refuse-strangers.js';
import { openWorkingDirectory } from '../storage/registry.js';
import { isDiscover, keepIndexPassword, openFolder } from './open-location.js';
import { discoverStore } from './services/discover-store.js';

export interface StoreChoice {
  /** A path or a `file:///` uri. Default: METALAB_STORE, else the environment's, else `./experiments`. */
  readonly store?: string;
  /**
   * Where the runs execute, and the store: the name of an environment of `.metalab.toml`; or what such an environment says,
   * as plain data: `{ type: 'local', slots: 8 }`; or what `loadConfig().resolve(…)` gave as its environment. Default:
   * METALAB_ENV, else the file's default_env, else `local`.
   */
  readonly executor?: string | ExecutorConfig | ResolvedEnvironment;
}

/** @throws DefinitionError METALAB_CONFIG with every mistake */
export async function environmentOf({ executor }: StoreChoice): Promise<ResolvedEnvironment> {
  if (typeof executor !== 'object') return (await resolveConfig(executor)).environment;
  if ('name' in executor) return executor as ResolvedEnvironment;
  const { environmentOfConfig } = await import('../config/executor-config.js');
  return environmentOfConfig(executor as ExecutorConfig);
}

/** Where the store is. @throws UsageError METALAB_STORE_DISCOVER if it is what services provide, and none do */
export async function locationOf(choice: StoreChoice): Promise<string> {
  const named = choice.store ?? process.env.METALAB_STORE;
  const location = named || ((await environmentOf(choice)).store ?? resolve(DEFAULT_STORE));
  return isDiscover(location) ? discoverStore(await environmentOf(choice)) : location;
}

/** How many runs at once the environment says; undefined if it says nothing. */
export const slotsOf = (environment: ResolvedEnvironment): number | undefined =>
  'executor' in environment && 'slots' in environment.executor ? environment.executor.slots : undefined;

export function checkSlots(slots: number | undefined): number | null {
  if (slots === undefined) return null;
  if (Number.isSafeInteger(slots) && slots >= 1 && slots <= 1000) return slots;
  throw new MetalabError({
    code: 'METALAB_SLOTS',
    where: 'slots',
    what: `is ${slots}`,
    expected: 'a whole number from 1 to 1000',
  });
}

/** @throws UsageError if it is no limit */
export function checkFailureLimit(limit: unknown): FailureLimit | undefined {
  const parsed = parseFailureLimit(limit);
  if (limit === undefined || parsed !== undefined) return parsed;
  throw new UsageError({
    code: 'METALAB_OPTION',
    where: 'maxFailures',
    what: `is ${JSON.stringify(limit)}`,
    expected: FAILURE_LIMIT_EXPECTATION,
  });
}

/** @throws StoreError METALAB_STORE_MISSING */
export const openExisting = async (choice: StoreChoice) => openFolder(await locationOf(choice));

/** Workers would refuse an untrusted store, too; checking here reports it immediately. */
export async function openForSubmit(choice: StoreChoice): Promise<FileStore> {
  const location = await locationOf(choice);
  await keepIndexPassword(location, true);
  const store = await openWorkingDirectory(location, { create: true });
  refuseUntrusted(store.root);
  return store;
}
