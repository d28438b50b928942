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
  /** Whether it still answers once it was ready. Default: as `readiness`. */
  readonly health?: ReadinessCheck;
  /** Absolute path; the process's output is appended. */
  readonly log: string;
  readonly stop: StopRequest;
  /** Files that it reads, written 0600 before it starts: what is secret is in them. By absolute path. */
  readonly files: { readonly [path: string]: string };
}

/** What a Slurm environment puts into the one job of all its services: shell lines, in a POSIX shell. */
export interface SlurmFragment {
  /**
   * Starts the service in the background and leaves its pid in `$SERVICE_PID`; its output is appended (`>>`) to
   * `$SERVICE_LOG`, which is emptied when it is large.
   */
  readonly setup: readonly string[];
  /**
   * Ends it; `$SERVICE_PID` is its own again. Run in reverse order of the set-ups, on EXIT and SIGTERM. The
   * environment ends what is left after it by SIGKILL.
   */
  readonly cleanup: readonly string[];
  readonly readiness: ReadinessCheck;
  /** As {@link LocalFragment.health}. */
  readonly health?: ReadinessCheck;
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
  /** For its data: a folder for this service alone, which outlives it. Absolute; exists, also on the cluster. */
  readonly folder: string;
  /**
   * For passwords that the plugin generates: a folder of this machine for this service alone, which only this user can
   * enter, and which outlives it. Absolute; exists. May be `folder`, where the service runs on this machine.
   */
  readonly private_folder: string;
  /** The port to use: that of its config's `port`, else the one it had before, else one that was free a moment ago. */
  readonly port: number;
  /** The address by which it is reached from where it runs: consumers use it. `127.0.0.1`. */
  readonly host: string;
  /** What a cluster is, for plans that ship programs to it; undefined: this machine. */
  readonly cluster?: ClusterPlace;
  /** The store that the environment names; undefined: none, so that it is what a service provides. */
  readonly store: string | undefined;
  /** For a store's files, on the machine that experiments are submitted from: absolute. What provides a store names it. */
  readonly file_root: string;
  /** What it consumes: for each kind in `consumes`, what a running service provides. */
  readonly provided: readonly Provision[];
  /** `env` of the process that plans, for variables such as METALAB_PG_BIN_DIR. */
  readonly env: { readonly [name: string]: string | undefined };
}

/** A cluster, as plans that ship programs to it must know it. */
export interface ClusterPlace {
  /** What `uname -sm` prints there, e.g. `Linux x86_64`. */
  readonly system: string;
  /** A folder there for programs, shared by all services of the user. Absolute. */
  readonly programs: string;
}

/** A file of this machine that is to be on the cluster. Its name identifies its content: a file that is already there is not sent again. */
export interface ShippedFile {
  readonly from: string;
  /** Absolute. */
  readonly to: string;
  readonly mode: number;
}

/** A plan for one type of environment. */
export interface ServicePlan<Fragment> {
  readonly fragment: Fragment;
  /** Of the handle, once it is ready. */
  readonly credentials: ServiceHandle['credentials'];
  readonly metadata: ServiceHandle['metadata'];
  /**
   * What it provides once it is ready; `value` without password. Empty: nothing. Where a value is a uri, its host and port
   * are those of the place: who reaches the service by others (a node's name, a tunnel) replaces these two.
   */
  readonly provides: readonly Provided[];
  /** What is copied to the cluster before the fragment is carried out. */
  readonly ship?: readonly ShippedFile[];
  /** For people, when the service is started: what of its configuration is unsafe. */
  readonly warnings?: readonly string[];
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
