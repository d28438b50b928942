import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { SlurmEnvironment, SlurmExecutorConfig } from '../../../src/config/resolved-config.js';
import type { RunRecord } from '../../../src/definition/record.js';
import type {
  BatchExecutor,
  BatchProgress,
  BatchReport,
  BatchRequest,
} from '../../../src/execution/batch-executor.js';
import { createSlurmExecutor } from '../../../src/execution/slurm/executor.js';
import { createShellTransport } from '../../../src/transport/shell/shell-transport.js';
import type { Transport } from '../../../src/transport/transport.js';
import { cancelAllJobs, useLocalRig } from '../../rig/use-rig.js';
import { ROOT } from '../../support/metalab.js';
import { Sweep, type SweepOptions } from '../local/sweep.js';

export const PROGRAMS = { runner: join(ROOT, 'dist', 'runner.mjs'), task: join(ROOT, 'dist', 'task.mjs') };

export interface ClusterSweepOptions extends SweepOptions {
  readonly config?: Partial<SlurmExecutorConfig>;
}

/** Less than a test has, so that what was not seen is reported. */
export const PATIENCE = { timeout: 150_000, interval: 100 };

/**
 * A cluster of the test file's own, reached without SSH, and sweeps on it. After each test its sweeps are removed and all
 * jobs cancelled.
 */
export async function useClusterSweeps(options: Parameters<typeof useLocalRig>[0] = {}) {
  const rig = await useLocalRig(options);
  const made: ClusterSweep[] = [];
  afterEach(async () => {
    for (const sweep of made.splice(0)) await sweep.remove();
    await cancelAllJobs(rig);
  });
  const sweepOf = (sweepOptions: ClusterSweepOptions, transport: Transport = createShellTransport()) => {
    const sweep = new ClusterSweep(transport, sweepOptions);
    made.push(sweep);
    return sweep;
  };
  /** What accounting says of the arrays that were submitted for a sweep, one after another. */
  const accounted = async (sweep: ClusterSweep, field: string): Promise<string[]> => {
    const names = sweep.arrays().map((token) => `metalab-${token}`);
    const { stdout } = await rig.run([
      'sacct',
      '-X',
      '-n',
      '-P',
      `--name=${names.join(',')}`,
      `--format=JobID,${field}`,
    ]);
    const lines = stdout.trim().split('\n');
    return lines.map((line) => line.split('|')[1]!);
  };
  /** Ids of the jobs of this name that Slurm knows. */
  const jobsNamed = async (name: string) => {
    const { stdout } = await rig.run(['squeue', '-h', '-t', 'all', '-o', '%F %j']);
    const lines = stdout.trim().split('\n');
    return new Set(lines.filter((line) => line.endsWith(name)).map((line) => line.split(' ')[0]));
  };
  return { rig, sweepOf, accounted, jobsNamed };
}

/** A sweep whose store is here, and whose runs are executed on a cluster. */
export class ClusterSweep {
  readonly sweep: Sweep;
  readonly environment: SlurmEnvironment;
  readonly fileRoot: string;
  readonly progress: BatchProgress[] = [];
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

  /** The lines of a file in the runs' working directory, without one that is being written. */
  worked(name: string): string[] {
    const path = join(this.fileRoot, 'sweep@1', 'work', name);
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
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
