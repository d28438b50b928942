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

/** What records say of the place beside host and versions. */
type Provenance = { readonly [key: string]: string | number };

/** What a worker gives an executor. */
export interface ExecutorDependencies {
  /** Paths of the slots' program, `runner.mjs`, and of the one that has slots on a compute node, `task.mjs`. */
  readonly runner: string;
  readonly task: string;
  /** Where what can be had again is kept: a Node for clusters that have none. */
  readonly cache: string;
  readonly provenance: Provenance;
  /** The environment in which SSH finds its configuration and agent, whenever it connects. Default: this process's. */
  readonly sshEnvironment?: () => { readonly [name: string]: string | undefined };
  /** Slots on this machine, for executors that are about something else: as `local`, with more of provenance. */
  createSlots(provenance: Provenance): Executor;
}

/**
 * Makes an environment's executor: the default export of a module that a package names under `"metalab": { "executors": … }`,
 * by the type of the environments whose runs it executes.
 */
export type CreateExecutor = (
  environment: ResolvedEnvironment,
  surroundings: ExecutorDependencies,
) => Executor | BatchExecutor | Promise<Executor | BatchExecutor>;

/** How executors are made, by the type of environments: metalab's own. */
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
          // A connection that is left open keeps the worker's process alive.
          await transport.close();
        },
      };
    };
  },
};

/**
 * Makes the executor of an environment.
 *
 * @throws InfrastructureError where nothing executes runs in environments of its type
 */
export async function createExecutor(
  environment: ResolvedEnvironment,
  given: Omit<ExecutorDependencies, 'createSlots'>,
): Promise<Executor | BatchExecutor> {
  const surroundings: ExecutorDependencies = {
    ...given,
    createSlots: (more) =>
      createLocalExecutor({ runner: given.runner, provenance: { ...given.provenance, ...more } }),
  };
  const { type } = environment;
  const load = Object.hasOwn(EXECUTORS, type) ? EXECUTORS[type] : undefined;
  const create = load ? await load() : await installedExecutor(environment);
  if (create) return create(environment, surroundings);
  throw new InfrastructureError({
    code: 'METALAB_NO_EXECUTOR',
    where: `environment ${environment.name}`,
    what: `nothing here executes runs in environments of type '${type}'`,
    expected: `one of ${Object.keys(EXECUTORS).join(', ')}, or one of an installed package`,
    next: 'submit with another --env, or install the package that brings it where the worker runs',
  });
}

/** Of the package that brings the type, else of one installed beside it. */
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
