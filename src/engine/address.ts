import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from '@temporalio/client';
import type { Environment } from '../access/own-folders.js';
import { InfrastructureError, messageOf } from '../definition/errors.js';

/** A user-provided Temporal server: metalab never starts, replaces or stops it. */
export interface UserServer {
  readonly address: string;
  readonly namespace: string;
  /** The setting that named it, e.g. `TEMPORAL_ADDRESS`. */
  readonly source: string;
  /** Address, TLS, API key and metadata, both for the client's Connection and for the worker's NativeConnection. */
  readonly connectionOptions: UserConnectionOptions;
  /** Its web UI, if known. */
  readonly uiAddress: string | undefined;
}

export type UserConnectionOptions = Pick<ConnectionOptions, 'tls' | 'metadata'> & {
  readonly address: string;
  readonly apiKey?: string;
};

/**
 * The Temporal server that TEMPORAL_ADDRESS or a Temporal config profile names; undefined: use the engine's.
 *
 * @throws InfrastructureError (METALAB_TEMPORAL_CONFIG) if the configuration can't be read
 */
export async function userServer(env: Environment = process.env): Promise<UserServer | undefined> {
  // Loading the package takes 50 ms, and most users don't need it.
  if (!env.TEMPORAL_ADDRESS && !env.TEMPORAL_PROFILE && !existsSync(configFile(env))) return undefined;
  const { loadClientConfigProfile, toClientOptions } = await import('@temporalio/envconfig');
  try {
    const profile = loadClientConfigProfile({ overrideEnvVars: definedOnly(env) });
    if (!profile.address && env.TEMPORAL_PROFILE) throw new Error('the profile has no address');
    if (!profile.address) return undefined;
    const { namespace = 'default', connectionOptions } = toClientOptions(profile);
    return {
      address: profile.address,
      namespace,
      source: env.TEMPORAL_ADDRESS
        ? 'TEMPORAL_ADDRESS'
        : `profile ${env.TEMPORAL_PROFILE || 'default'} of ${configFile(env)}`,
      connectionOptions: pruned({ ...connectionOptions, address: profile.address }) as UserConnectionOptions,
      uiAddress: isCloud(profile.address) ? `https://cloud.temporal.io/namespaces/${namespace}` : undefined,
    };
  } catch (error) {
    throw new InfrastructureError(
      {
        code: 'METALAB_TEMPORAL_CONFIG',
        where: env.TEMPORAL_PROFILE
          ? `TEMPORAL_PROFILE=${env.TEMPORAL_PROFILE} in ${configFile(env)}`
          : configFile(env),
        what: `the Temporal configuration can't be used: ${messageOf(error)}`,
        expected: 'a Temporal config file with the profile, and the certificates that it names',
        next: 'correct it (https://docs.temporal.io/develop/environment-configuration), or unset TEMPORAL_PROFILE and TEMPORAL_ADDRESS to use the engine',
      },
      { cause: error },
    );
  }
}

/** Where the Temporal CLI and SDKs look for profiles. */
export function configFile(env: Environment): string {
  if (env.TEMPORAL_CONFIG_FILE) return env.TEMPORAL_CONFIG_FILE;
  const home = env.HOME || homedir();
  const folder =
    process.platform === 'darwin'
      ? join(home, 'Library', 'Application Support')
      : env.XDG_CONFIG_HOME || join(home, '.config');
  return join(folder, 'temporalio', 'temporal.toml');
}

const isCloud = (address: string) => /\.(tmprl\.cloud|temporal\.io)(:\d+)?$/.test(address);

// An empty variable counts as unset.
const definedOnly = (env: Environment) =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1])));

// The native connection refuses keys whose value is undefined.
const pruned = (options: object) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
