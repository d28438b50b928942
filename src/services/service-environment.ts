import type { ResolvedEnvironment } from '../config/resolved-config.js';
import type { ServicePlace, ServicePlugin } from './plugin.js';
import type { ServiceHandle, ServiceSpec } from './service.js';

/** Progress messages while services start or stop. */
export type OnProgress = (message: string) => void;

/**
 * Where services run: carries out plugins' plans, finds what it started before, and ends it. One per type of
 * environment. All its methods can be called again after a death in the middle of them.
 */
export interface ServiceEnvironment {
  /** Starts what is not alive, in this order, and waits until all is ready. Resolves to all handles, in the same order. */
  up(specs: readonly ServiceSpec[], options: UpOptions): Promise<readonly ServiceHandle[]>;
  /** What is known of services now. Never throws because a place does not answer: then their status is `unknown`. */
  inspect(): Promise<readonly ServiceHandle[]>;
  /**
   * Ends services, the last first, goes on past failures, and confirms that each is gone.
   *
   * @throws MetalabError that names all that could not be ended
   */
  down(names: readonly string[], options: UpOptions): Promise<void>;
  /** The log's last lines; follows it until the signal aborts if `follow`. Also of services that are dead. */
  logs(name: string, options: LogOptions): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
  /**
   * Does ahead what keeps services running, e.g. submits the job that follows one whose time is about to end, or makes
   * room where logs are large. Called after looks at services that run; returns at once where there is nothing to do.
   */
  renew?(specs: readonly ServiceSpec[], options: UpOptions): Promise<void>;
  /** How often `inspect` may be called, milliseconds. Default: twice a second. */
  readonly inspectEveryMs?: number;
}

export interface UpOptions {
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

export interface LogOptions {
  readonly tail: number;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** What an environment's services are made with. */
export interface ServiceEnvironmentOptions extends Pick<ServicePlace, 'store' | 'file_root' | 'env'> {
  readonly environment: ResolvedEnvironment;
  /** Private, on this machine, for what is to be known of these services: nobody else writes there. Absolute; exists. */
  readonly folder: string;
  /** @throws UsageError if there is no such plugin */
  plugin(name: string): Promise<ServicePlugin>;
}

/** Makes a {@link ServiceEnvironment}; one per type of environment is in the registry `environments.ts`. */
export type CreateServiceEnvironment = (
  options: ServiceEnvironmentOptions,
) => ServiceEnvironment | Promise<ServiceEnvironment>;
