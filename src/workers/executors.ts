import type { Executors } from '../activities/dependencies.js';
import type { ResolvedEnvironment } from '../config/resolved-config.js';
import { type BatchExecutor, isBatchExecutor } from '../execution/batch-executor.js';
import type { Executor } from '../execution/executor.js';
import { createExecutor, type ExecutorDependencies } from '../execution/registry.js';

const HERE: ResolvedEnvironment = { name: 'local', type: 'local', executor: {}, services: {} };

/** Creates an environment's executor once, and again if that failed; all local environments share one. */
export class EnvironmentExecutors implements Executors {
  readonly #dependencies: Omit<ExecutorDependencies, 'createSlots'>;
  readonly #made = new Map<string, Promise<Executor | BatchExecutor>>();

  constructor(dependencies: Omit<ExecutorDependencies, 'createSlots'>) {
    this.#dependencies = dependencies;
  }

  async slots(environment: ResolvedEnvironment | undefined): Promise<Executor> {
    const executor = await this.#of(environment);
    if (isBatchExecutor(executor))
      throw new Error(`runs of environment ${environment?.name} are executed in batches`);
    return executor;
  }

  async batches(environment: ResolvedEnvironment | undefined): Promise<BatchExecutor | undefined> {
    const executor = await this.#of(environment);
    return isBatchExecutor(executor) ? executor : undefined;
  }

  async release(submission: string): Promise<void> {
    for (const executor of await this.#all()) await executor.release(submission);
  }

  async close(): Promise<void> {
    for (const executor of await this.#all()) await executor.close();
  }

  async #all(): Promise<(Executor | BatchExecutor)[]> {
    const made = await Promise.allSettled(this.#made.values());
    return made.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  }

  #of(environment: ResolvedEnvironment | undefined): Promise<Executor | BatchExecutor> {
    const isHere = !environment || environment.type === 'local';
    const key = isHere ? '' : JSON.stringify(environment);
    const known = this.#made.get(key);
    if (known) return known;
    const making = createExecutor(isHere ? HERE : environment, this.#dependencies);
    making.catch(() => this.#made.delete(key));
    this.#made.set(key, making);
    return making;
  }
}
