import type {
  ExtensionEnvironment,
  ResolvedEnvironment,
  SlurmEnvironment,
} from '../config/resolved-config.js';
import { InfrastructureError } from '../definition/errors.js';
import { extensionsOf, installedExtensions } from '../extensions/installed.js';
import { loadExtension } from '../extensions/load.js';
import type { BatchExecutor } from './batch-executor.js';
import type { Executor } from './executor.js';
import { createLocalExecutor } from './local/executor.js';

/** What records contain about the executor, beside host and versions. */
type Provenance = { readonly [key: string]: string | number };

/** What a worker passes to an executor. */
export interface ExecutorDependencies {
  /** Paths of the slots' program, `runner.mjs`, and of the program that runs slots on a compute node, `task.mjs`. */
  readonly runner: string;
  readonly task: string;
  /** Folder for files that can be downloaded again: a Node for clusters that have none. */
  readonly cache: string;
  readonly provenance: Provenance;
  /** The environment in which SSH finds its configuration and agent, read at each connect. Default: this process's. */
  readonly sshEnvironment?: () => { readonly [name: string]: string | undefined };
  /** Creates slots on this machine for other executors: as `local` does, with additional provenance. */
  createSlots(provenance: Provenance): Executor;
}

/**
 * Creates an environment's executor. It is the default export of a module that a package lists under `"metalab": {
 * "executors": … }`, keyed by the environment type whose runs it executes.
 */
export type CreateExecutor = (
  environment: ResolvedEnvironment,
  dependencies: ExecutorDependencies,
) => Executor | BatchExecutor | Promise<Executor | BatchExecutor>;

/** metalab's own executors, by environment type. */
const EXECUTORS: { readonly [type: string]: () => Promise<CreateExecutor> } = {
  local:
    async () =>
    (_environment, { createSlots }) =>
      createSlots({}),
  slurm: async () => {
    const [{ createSlurmExecutor }, { openTransport }] = await Promise.all([
      import('./slurm/executor.js'),
      import('../transport/open.js'),
    ]);
    return async (environment, { runner, task, cache, provenance, sshEnvironment }) => {
      const slurm = environment as SlurmEnvironment;
      const transport = await openTransport(slurm, undefined, sshEnvironment);
      const executor = createSlurmExecutor({
        environment: slurm,
        transport,
        programs: { runner, task },
        cache,
        version: String(provenance.metalab),
      });
      return {
        ...executor,
        async close() {
          await executor.close();
          // An open connection would keep the worker's process alive.
          await transport.close();
        },
      };
    };
  },
};

/**
 * Creates the executor of an environment.
 *
 * @throws InfrastructureError if no executor handles environments of its type
 */
export async function createExecutor(
  environment: ResolvedEnvironment,
  given: Omit<ExecutorDependencies, 'createSlots'>,
): Promise<Executor | BatchExecutor> {
  const dependencies: ExecutorDependencies = {
    ...given,
    createSlots: (more) =>
      createLocalExecutor({ runner: given.runner, provenance: { ...given.provenance, ...more } }),
  };
  const { type } = environment;
  const load = Object.hasOwn(EXECUTORS, type) ? EXECUTORS[type] : undefined;
  const create = load ? await load() : await installedExecutor(environment);
  if (create) return create(environment, dependencies);
  throw new InfrastructureError({
    code: 'METALAB_NO_EXECUTOR',
    where: `environment ${environment.name}`,
    what: `no executor is installed for environments of type '${type}'`,
    expected: `one of ${Object.keys(EXECUTORS).join(', ')}, or one of an installed package`,
    next: 'submit with another --env, or install the package that provides it where the worker runs',
  });
}

/** Looks in the package that provides the type, then in packages installed beside it. */
async function installedExecutor(environment: ResolvedEnvironment): Promise<CreateExecutor | undefined> {
  if (!isExtension(environment)) return undefined;
  const { folder } = environment.package;
  const own = await extensionsOf('executors', folder);
  const isOfType = ({ name }: { readonly name: string }) => name === environment.type;
  const found = own.find(isOfType) ?? (await installedExtensions('executors', folder)).find(isOfType);
  return found && ((await loadExtension(found)) as CreateExecutor);
}

const isExtension = (environment: ResolvedEnvironment): environment is ExtensionEnvironment =>
  'package' in environment;
