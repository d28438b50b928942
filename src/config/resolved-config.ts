import type { Resources } from '../definition/resources.js';

export type { Resources };

/** How resources grow for runs killed for lack of them: factors, and the maximum number of times. */
export interface Escalation {
  readonly memory: number;
  readonly time: number;
  readonly max: number;
}

export interface SlurmExecutorConfig extends Resources {
  /** Tasks that may run at once (`%N` of the array). */
  readonly max_concurrent?: number;
  /** Runs per task; without it, sized from measured durations. */
  readonly chunk_size?: number;
  readonly max_array_size?: number;
  readonly modules: readonly string[];
  readonly conda_env?: string;
  /** Shell lines that every task runs first. */
  readonly setup: readonly string[];
  readonly extra_sbatch: readonly string[];
  readonly mail_user?: string;
  readonly mail_type?: string;
  readonly escalate?: Escalation;
}

export interface LocalExecutorConfig {
  readonly slots?: number;
}

/** How a gateway is reached; absent if `sbatch` is on this machine. */
export interface GatewayConfig {
  /** A host name, or an alias of ~/.ssh/config. */
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
  /** A private key's path on this machine, absolute. */
  readonly ssh_key?: string;
  /** Hosts to go through, first to last: `user@host:port` or aliases. */
  readonly jump: readonly string[];
}

interface EnvironmentBase {
  readonly name: string;
  /** The store's location, if the configuration names one: an absolute path or a uri. */
  readonly store?: string;
  readonly services: { readonly [service: string]: unknown };
}

export interface LocalEnvironment extends EnvironmentBase {
  readonly type: 'local';
  readonly executor: LocalExecutorConfig;
}

export interface SlurmEnvironment extends EnvironmentBase {
  readonly type: 'slurm';
  /** The spool's folder on the cluster: absolute, or relative to the login's home. */
  readonly file_root: string;
  readonly gateway?: GatewayConfig;
  readonly executor: SlurmExecutorConfig;
}

/** An environment of a type from an installed package. */
export interface ExtensionEnvironment extends EnvironmentBase {
  readonly type: string;
  /** The package, and its folder: workers find its executor there. */
  readonly package: { readonly name: string; readonly folder: string };
  /** Its table, as parsed by its own schema. */
  readonly settings: unknown;
}

/**
 * Plain JSON: crosses process boundaries, and is kept in a submission's manifest, with `services` empty, since they may
 * hold secrets. Nothing else of it may.
 */
export type ResolvedEnvironment = LocalEnvironment | SlurmEnvironment | ExtensionEnvironment;

/** What `ProjectConfig.resolve(env)` gives. Frozen. */
export interface ResolvedConfig {
  readonly project: { readonly name: string | null; readonly folder: string | null };
  readonly environment: ResolvedEnvironment;
  readonly services: { readonly [service: string]: unknown };
}
