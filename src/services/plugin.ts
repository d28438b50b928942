import type { Schema } from '../config/environment-type.js';
import type { Problem } from '../definition/errors.js';
import type { Provided, ReadinessCheck, ServiceHandle, ServiceResources, ServiceSpec } from './service.js';

/** How a service's process is ended: a signal, then SIGKILL for all its processes after a time. */
export interface StopRequest {
  readonly signal: 'SIGTERM' | 'SIGINT' | 'SIGQUIT';
  readonly timeout_ms: number;
}

/** What a local environment carries out: one process in a session of its own. */
export interface LocalFragment {
  /** Program and arguments. No secret: other users can read them. */
  readonly command: readonly string[];
  /** Added to the environment. No secret either. */
  readonly env: { readonly [name: string]: string };
  readonly readiness: ReadinessCheck;
  /** Absolute path; the process's output is appended. */
  readonly log: string;
  readonly stop: StopRequest;
  /** Files that it reads, written 0600 before it starts: what is secret is in them. By absolute path. */
  readonly files: { readonly [path: string]: string };
}

/** What a Slurm environment puts into the one job of all its services: shell lines, in a POSIX shell. */
export interface SlurmFragment {
  /** Starts the service in the background and leaves its pid in `$SERVICE_PID`. */
  readonly setup: readonly string[];
  /** Ends it. Run in the order opposite to that of the set-ups, on EXIT and SIGTERM. */
  readonly cleanup: readonly string[];
  readonly readiness: ReadinessCheck;
  readonly cpus: number;
  readonly memory_mb: number;
  /** As {@link LocalFragment.files}, but on the cluster. */
  readonly files: { readonly [path: string]: string };
}

/** What a provider gives to those that consume it. Holds no password: `credentials` names its file. */
export interface Provision extends Provided {
  readonly handle: ServiceHandle;
}

/** Where a service is to run, and what is there for it. */
export interface ServicePlace {
  /** For its data: a folder for this service alone, which outlives it. Absolute; exists. */
  readonly folder: string;
  /** The port to use: the one it had before, or one that was free when the plan was made. */
  readonly port: number;
  readonly host: string;
  /** The store that the environment names; undefined: none, so that it is what a service provides. */
  readonly store: string | undefined;
  /** For a store's files, on the machine that experiments are submitted from: absolute. What provides a store names it. */
  readonly file_root: string;
  /** What it consumes: for each kind in `consumes`, what a running service provides. */
  readonly provided: readonly Provision[];
  /** `env` of the process that plans, for variables such as METALAB_PG_BIN_DIR. */
  readonly env: { readonly [name: string]: string | undefined };
}

/** A plan for one type of environment. */
export interface ServicePlan<Fragment> {
  readonly fragment: Fragment;
  /** Of the handle, once it is ready. */
  readonly credentials: ServiceHandle['credentials'];
  readonly metadata: ServiceHandle['metadata'];
  /** What it provides once it is ready; `value` without password. Empty: nothing. */
  readonly provides: readonly Provided[];
}

/**
 * A kind of service. It plans, and starts nothing: environments carry its plans out. The default export of a module
 * that a package names under `"metalab": { "services": … }`.
 */
export interface ServicePlugin<Config = { readonly [key: string]: unknown }> {
  /** Of its table in `[services]`, best a `z.strictObject`. */
  readonly schema: Schema<Config>;
  /** Keys, dotted, whose values are paths on this machine: made absolute before the schema sees them. */
  readonly paths?: readonly string[];
  /** Keys, dotted, whose values are secrets: refused in `.metalab.toml`, which others get with the project. */
  readonly secrets?: readonly string[];
  resources(config: Config): ServiceResources;
  readonly consumes: readonly string[];
  readonly provides: readonly string[];
  /** Problems that involve more than one value; `where` is a dotted key. */
  check?(config: Config, environmentType: string): readonly Problem[];
  /**
   * Plans by type of environment, e.g. `local`, `slurm`. Each throws a MetalabError if it can't be carried out there,
   * e.g. as a program is missing. A type that is not here is refused with the list of those that are.
   */
  readonly plans: {
    readonly local?: (spec: ServiceSpec, place: ServicePlace) => Promise<ServicePlan<LocalFragment>>;
    readonly slurm?: (spec: ServiceSpec, place: ServicePlace) => Promise<ServicePlan<SlurmFragment>>;
  };
}
