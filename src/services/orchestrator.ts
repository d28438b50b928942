import type { ServicePlugin } from './plugin.js';
import type { ServiceHandle, ServiceSpec, ServiceStatus } from './service.js';
import type { ServiceEnvironment, UpOptions } from './service-environment.js';
import { startOrder } from './start-order.js';

export interface OrchestratorOptions {
  readonly environment: ServiceEnvironment;
  /** What is wanted. */
  readonly specs: readonly ServiceSpec[];
  plugin(name: string): Promise<ServicePlugin>;
  /** The store that the environment names, if it does. */
  readonly store: string | undefined;
}

/** May be alive: a place that does not answer says nothing of what runs there. */
const MAY_LIVE: readonly ServiceStatus[] = ['running', 'starting', 'unreachable', 'unknown'];
export const mayLive = ({ status }: Pick<ServiceHandle, 'status'>): boolean => MAY_LIVE.includes(status);

/** Brings services up and down in their order. Knows no service and no environment by name. */
export class ServiceOrchestrator {
  readonly #options: OrchestratorOptions;

  constructor(options: OrchestratorOptions) {
    this.#options = options;
  }

  /**
   * Starts what is not alive, and ends what is not wanted any more. If that fails, what it started is stopped again.
   *
   * @throws DefinitionError METALAB_SERVICES before anything is started; ServiceError; what plugins and environments throw
   */
  async up(options: UpOptions): Promise<readonly ServiceHandle[]> {
    return this.#up(options, (started) => this.#options.environment.down(started, options));
  }

  /** Starts what has died. What gets ready stays, whatever becomes of the others. Throws as {@link up}. */
  async revive(options: UpOptions): Promise<readonly ServiceHandle[]> {
    return this.#up(options, async () => {});
  }

  /** @param undo ends what was started, if not all could be */
  async #up(
    options: UpOptions,
    undo: (started: readonly string[]) => Promise<void>,
  ): Promise<readonly ServiceHandle[]> {
    const { environment, specs } = this.#options;
    const ordered = await this.#ordered();
    const alive = (await environment.inspect()).filter(mayLive).map(({ name }) => name);
    const unwanted = alive.filter((name) => !specs.some((spec) => spec.name === name));
    if (unwanted.length > 0) await environment.down(unwanted, options);
    try {
      return await environment.up(ordered, options);
    } catch (error) {
      // Somebody asked for something else, or this process ends: what was started is on record.
      if (options.signal.aborted) throw error;
      const started = ordered.map(({ name }) => name).filter((name) => !alive.includes(name));
      // Why it failed matters more than why it could not be undone: that is tried again by the next `up` or `down`.
      await undo(started).catch(() => {});
      throw error;
    }
  }

  /** Ends services, and starts them again. @param names null: all */
  async restart(names: readonly string[] | null, options: UpOptions): Promise<readonly ServiceHandle[]> {
    const ordered = (await this.#ordered()).map(({ name }) => name);
    await this.#options.environment.down(
      ordered.filter((name) => names === null || names.includes(name)),
      options,
    );
    return this.up(options);
  }

  /** Ends all services, also those that are not wanted any more. Throws as {@link ServiceEnvironment.down}. */
  async down(options: UpOptions): Promise<void> {
    const { environment } = this.#options;
    const ordered = (await this.#orderedIfPossible()).map(({ name }) => name);
    const others = (await environment.inspect())
      .map(({ name }) => name)
      .filter((name) => !ordered.includes(name));
    await environment.down([...ordered, ...others], options);
  }

  async #ordered(): Promise<ServiceSpec[]> {
    const { specs, plugin, store } = this.#options;
    const dependents = await Promise.all(
      specs.map(async (spec) => ({ spec, provides: (await plugin(spec.name)).provides })),
    );
    return startOrder(dependents, store === undefined ? [] : ['store']);
  }

  /** What runs must be endable, even if its plugin was uninstalled. */
  async #orderedIfPossible(): Promise<readonly ServiceSpec[]> {
    return this.#ordered().catch(() => this.#options.specs);
  }
}
