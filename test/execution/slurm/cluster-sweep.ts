import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SlurmEnvironment, SlurmExecutorConfig } from '../../../src/config/resolved-config.js';
import type { RunRecord } from '../../../src/definition/record.js';
import type {
  BatchExecutor,
  BatchLimits,
  BatchProgress,
  BatchReport,
  BatchRequest,
} from '../../../src/execution/batch-executor.js';
import { createSlurmExecutor } from '../../../src/execution/slurm/executor.js';
import type { Transport } from '../../../src/transport/transport.js';
import { ROOT } from '../../support/metalab.js';
import { Sweep, type SweepOptions } from '../local/sweep.js';

export const PROGRAMS = { runner: join(ROOT, 'dist', 'runner.mjs'), task: join(ROOT, 'dist', 'task.mjs') };

export interface ClusterSweepOptions extends SweepOptions {
  readonly config?: Partial<SlurmExecutorConfig>;
}

/** A sweep whose store is here, and whose runs are executed on a cluster. */
export class ClusterSweep {
  readonly sweep: Sweep;
  readonly environment: SlurmEnvironment;
  readonly fileRoot: string;
  readonly progress: BatchProgress[] = [];
  readonly dealings: BatchLimits[] = [];
  paused = false;
  /** How often it was asked whether the sweep is paused. */
  pauseQuestions = 0;
  readonly token = randomBytes(8).toString('hex');
  readonly #transport: Transport;
  readonly #executors: BatchExecutor[] = [];
  readonly #stops = new Set<(how: 'yield' | 'cancel') => void>();
  executor: BatchExecutor;

  constructor(transport: Transport, { config, ...options }: ClusterSweepOptions) {
    this.sweep = new Sweep(PROGRAMS.runner, options);
    this.fileRoot = join(this.sweep.root, "spool of 100% ü'");
    this.#transport = transport;
    this.environment = {
      name: 'rig',
      type: 'slurm',
      file_root: this.fileRoot,
      services: {},
      executor: { modules: [], setup: [], extra_sbatch: [], ...config },
    };
    this.executor = this.makeExecutor();
  }

  makeExecutor(): BatchExecutor {
    const { environment } = this;
    const executor = createSlurmExecutor({
      environment,
      transport: this.#transport,
      programs: PROGRAMS,
      version: '0.0.0',
      cache: join(this.sweep.root, 'cache'),
    });
    this.#executors.push(executor);
    return executor;
  }

  order(order: Partial<BatchRequest> = {}): BatchRequest {
    const { folder, declaration, declared, positions } = this.sweep;
    return {
      folder,
      experiment_id: declaration.experiment_id,
      submission: 's1',
      declaration: declared,
      token: this.token,
      ranges: [{ from: 0, to: positions }],
      mean_ms: null,
      slots: null,
      timeout_ms: declaration.timeout_ms,
      memory_bytes: declaration.memory_bytes,
      ...order,
    };
  }

  execute(order: Partial<BatchRequest> = {}): Promise<BatchReport> {
    return this.executor.execute(this.order(order), {
      signal: {
        onStop: (listener) => {
          this.#stops.add(listener);
          return () => this.#stops.delete(listener);
        },
      },
      onProgress: (progress) => this.progress.push(progress),
      onDealing: (dealing) => this.dealings.push(dealing),
      isPaused: async () => {
        this.pauseQuestions++;
        return this.paused;
      },
    });
  }

  /** Tokens of the arrays that it became, in the order in which they were made. */
  arrays(): string[] {
    const folder = join(this.fileRoot, 'sweep@1', 'submissions', 's1', 'arrays');
    const madeAt = (token: string) => statSync(join(folder, token, 'array.json')).birthtimeMs;
    return readdirSync(folder).sort((a, b) => madeAt(a) - madeAt(b));
  }

  /** The lines of a file in the runs' working directory. */
  worked(name: string): string[] {
    const path = join(this.fileRoot, 'sweep@1', 'work', name);
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  }

  /** Puts an empty file there. */
  work(name: string): void {
    writeFileSync(join(this.fileRoot, 'sweep@1', 'work', name), '');
  }

  stop(how: 'yield' | 'cancel'): void {
    for (const listener of [...this.#stops]) listener(how);
  }

  get records(): RunRecord[] {
    return this.sweep.records();
  }

  get last(): BatchProgress | undefined {
    return this.progress.at(-1);
  }

  async remove(): Promise<void> {
    for (const executor of this.#executors) await executor.close();
    await this.sweep.remove();
  }
}
