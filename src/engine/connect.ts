import type { Connection, ConnectionOptions } from '@temporalio/client';
import type { Environment } from '../access/own-folders.js';
import { InfrastructureError, messageOf } from '../definition/errors.js';
import { type UserServer, userServer } from './address.js';
import { ensureSearchAttributes } from './server/search-attributes.js';
import { type EngineOptions, ensureServer, runningServer } from './server/server.js';

const CONNECT_WITHIN_MS = 5_000;

export interface ConnectOptions extends EngineOptions {
  /** Start the engine's server if no other is configured and it isn't running. Default true. */
  readonly start?: boolean;
}

/** Which Temporal server to use, and how to reach it. */
export interface TemporalTarget {
  readonly address: string;
  readonly namespace: string;
  /** Both for the client's Connection and for the worker's NativeConnection. */
  readonly connectionOptions: UserServer['connectionOptions'];
  /** Its web UI, if known. */
  readonly uiAddress: string | undefined;
  /** True: a user-provided server, which metalab never starts or stops. False: the engine's. */
  readonly userProvided: boolean;
  /** What named it, e.g. `TEMPORAL_ADDRESS`, or `the engine`. */
  readonly source: string;
  /** Whether the engine's server has them; undefined for a user-provided one: only a connection can tell. */
  readonly searchAttributes: boolean | undefined;
}

export interface TemporalConnection extends Omit<TemporalTarget, 'searchAttributes'> {
  readonly connection: Connection;
  /** False: they may not be created there, and workflows must do without. */
  readonly searchAttributes: boolean;
}

/**
 * The Temporal server that everything on this machine uses: the user's if the environment or a Temporal config profile
 * names one, else the engine's.
 *
 * @throws InfrastructureError METALAB_ENGINE_STOPPED if `start` is false and the engine's isn't running; what
 *   {@link ensureServer} and {@link userServer} throw
 */
export async function resolveTemporal({
  start = true,
  ...options
}: ConnectOptions = {}): Promise<TemporalTarget> {
  const own = await userServer(options.env);
  if (own) return { ...own, userProvided: true, searchAttributes: undefined };
  const engine = start ? await ensureServer(options) : runningServer(options.env);
  if (!engine) throw stopped();
  const { address, namespace, uiAddress, searchAttributes } = engine;
  return {
    address,
    namespace,
    uiAddress,
    searchAttributes,
    connectionOptions: { address },
    userProvided: false,
    source: 'the engine',
  };
}

/**
 * Connects to {@link resolveTemporal}'s server. The caller closes the connection.
 *
 * @throws InfrastructureError METALAB_TEMPORAL_UNREACHABLE naming the address and what named it, if nothing answers
 *   within 5 s or the namespace doesn't exist; what {@link resolveTemporal} throws
 */
export async function connectTemporal(options: ConnectOptions = {}): Promise<TemporalConnection> {
  const target = await resolveTemporal(options);
  const connection = await open(target, options);
  try {
    if (target.userProvided) await checkNamespace(connection, target);
    const searchAttributes =
      target.searchAttributes || (await ensureSearchAttributes(connection, target.namespace));
    return { ...target, connection, searchAttributes };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function open(target: TemporalTarget, options: ConnectOptions): Promise<Connection> {
  const { Connection } = await import('@temporalio/client');
  const connectionOptions: ConnectionOptions = {
    ...target.connectionOptions,
    connectTimeout: CONNECT_WITHIN_MS,
  };
  try {
    return await Connection.connect(connectionOptions);
  } catch (error) {
    throw temporalUnreachable(target, error, options.env);
  }
}

async function checkNamespace(connection: Connection, target: TemporalTarget): Promise<void> {
  const { namespace } = target;
  await connection
    .withDeadline(Date.now() + CONNECT_WITHIN_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    )
    .catch((error: unknown) => {
      // Using a namespace does not require permission to describe it: only its absence counts.
      if (error instanceof Error && /not found/i.test(error.message))
        throw temporalUnreachable(target, error);
    });
}

/**
 * The error if nothing answers at a Temporal server's address, or it lacks the namespace: METALAB_TEMPORAL_UNREACHABLE.
 */
export function temporalUnreachable(
  target: Pick<TemporalTarget, 'address' | 'namespace' | 'userProvided' | 'source'>,
  error: unknown,
  env?: Environment,
): InfrastructureError {
  const reason = messageOf(error);
  const engine = runningServer(env);
  return new InfrastructureError(
    {
      code: 'METALAB_TEMPORAL_UNREACHABLE',
      where: target.userProvided ? `${target.source} (${target.address})` : target.address,
      what: `no Temporal server could be reached at ${target.address}, namespace ${target.namespace}: ${reason}`,
      expected: target.userProvided
        ? 'the Temporal server that this setting names'
        : "the engine's Temporal server",
      next: target.userProvided
        ? `start that server, correct ${target.source}, or unset it: metalab then starts a Temporal server by itself`
        : `\`metalab engine stop\`, then submit again; its log is ${engine?.logFile ?? 'gone'}`,
    },
    { cause: error },
  );
}

const stopped = () =>
  new InfrastructureError({
    code: 'METALAB_ENGINE_STOPPED',
    what: 'no Temporal server is running here: the engine is stopped, and no other is configured',
    next: 'run `metalab engine start`, or set TEMPORAL_ADDRESS to your own server',
  });
