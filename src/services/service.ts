/** Services as plain data: what is wanted, what it needs, what runs. */

/** Memory in MiB. */
export interface ServiceResources {
  readonly cpus: number;
  readonly memory_mb: number;
}

/** A service as its configuration asks for it. Its config may hold a password: it is kept in private files only. */
export interface ServiceSpec {
  /** The key of its table in `[services]`, which is also its plugin's name. */
  readonly name: string;
  /** Its table, as its plugin's schema parsed it. */
  readonly config: { readonly [key: string]: unknown };
  readonly resources: ServiceResources;
  /** What it needs of others, e.g. `store`: it starts after the services that provide it. */
  readonly consumes: readonly string[];
}

/** How to find out that a service answers; asked on the machine that it runs on. */
export type ReadinessCheck =
  | { readonly type: 'port'; readonly port: number }
  | { readonly type: 'file'; readonly path: string }
  /** Ready when a GET is answered with a status below 400. */
  | { readonly type: 'http'; readonly port: number; readonly path: string }
  /** Ready when something is replied to these bytes (0 to 255): a port of a process that hangs accepts connections, too. */
  | { readonly type: 'reply'; readonly port: number; readonly request: readonly number[] };

/**
 * `running`: it answered lately. `starting`: it has not answered yet. `unreachable`: its process or job is alive, but it
 * does not answer. `unknown`: whether it is alive could not be found out, e.g. as the gateway does not answer; it is not
 * taken for dead. `stopped`: it is not alive.
 */
export type ServiceStatus = 'running' | 'starting' | 'unreachable' | 'unknown' | 'stopped';

/** The process of a service on this machine: pids are reused, so a pid alone does not identify it. */
export interface LocalProcess {
  readonly pid: number;
  /** As `processStart` gives it. */
  readonly start: string;
}

/** A Slurm job that holds services. */
export interface ServiceJob {
  readonly job: string;
  /** When Slurm will end it, ISO 8601. Missing: it has not begun. */
  readonly until?: string;
}

/** A service that runs, or ran. Holds no secret: it passes through Temporal. */
export interface ServiceHandle {
  readonly name: string;
  /** The host that it runs on, as seen from where it is used: `127.0.0.1`, or a node's name. */
  readonly host: string;
  readonly port: number;
  readonly status: ServiceStatus;
  /** Whom to log in as, and the private file with the password, on this machine. null: no login is needed. */
  readonly credentials: { readonly user: string; readonly file: string } | null;
  readonly process_id: LocalProcess | ServiceJob | null;
  /** Since when it runs, ISO 8601; null: it does not. */
  readonly since: string | null;
  /** How often it was started again after a death. */
  readonly restarts: number;
  /** Its log's path, on the machine that it runs on. */
  readonly log: string;
  /** What its plugin adds, e.g. a database's name. Strings, for people and consumers. */
  readonly metadata: { readonly [key: string]: string };
  /** What it provides once it is ready, as its plan said: kept with it, for those that consume it later. */
  readonly provides: readonly Provided[];
}

/** Something that others consume. `value` holds no password. */
export interface Provided {
  /** E.g. `store`. */
  readonly kind: string;
  /** E.g. a store's location. */
  readonly value: string;
}
