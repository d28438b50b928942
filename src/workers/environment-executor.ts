import { readFile } from 'node:fs/promises';
import type { ResolvedEnvironment } from '../config/resolved-config.js';
import { describeError } from '../definition/errors.js';
import { ExecutionFault } from '../execution/execution-fault.js';
import type { Executor, RangeOrder } from '../execution/executor.js';
import { createExecutor, type ExecutorSurroundings } from '../execution/registry.js';
import { submissionFile } from '../storage/file/layout.js';
import type { SubmissionManifest } from '../storage/manifest.js';

const LOCAL: ResolvedEnvironment = { name: 'local', type: 'local', services: {}, executor: {} };

/** Executes each submission's runs where its manifest says: by one executor for each environment. */
export function createEnvironmentExecutor(surroundings: ExecutorSurroundings): Executor {
  const executors = new Map<string, Promise<Executor>>();
  const bySubmission = new Map<string, Promise<Executor>>();
  const executorFor = async (environment: ResolvedEnvironment) => {
    // How many at once, submissions and workers say: slots stay warm across that.
    const key = environment.type === 'local' ? 'local' : JSON.stringify(environment);
    let executor = executors.get(key);
    if (!executor) {
      executor = createExecutor(environment, surroundings);
      executors.set(key, executor);
      executor.catch(() => executors.delete(key));
    }
    return executor;
  };
  const executorOf = (setup: RangeOrder['setup']) => {
    let executor = bySubmission.get(setup.submission);
    if (!executor) {
      executor = environmentOf(setup).then(executorFor);
      bySubmission.set(setup.submission, executor);
      executor.catch(() => bySubmission.delete(setup.submission));
    }
    return executor;
  };
  return {
    async execute(range, options) {
      const executor = await executorOf(range.setup).catch((error: unknown) => {
        throw noExecutor(range, error);
      });
      return executor.execute(range, options);
    },
    async release(submission) {
      const executor = await bySubmission.get(submission)?.catch(() => undefined);
      bySubmission.delete(submission);
      await executor?.release(submission);
    },
    async close() {
      const made = await Promise.allSettled(executors.values());
      await Promise.all(made.map((one) => (one.status === 'fulfilled' ? one.value.close() : undefined)));
    },
  };
}

async function environmentOf({ folder, submission }: RangeOrder['setup']): Promise<ResolvedEnvironment> {
  const text = await readFile(submissionFile(folder, submission), 'utf8');
  return (JSON.parse(text) as SubmissionManifest).environment ?? LOCAL;
}

function noExecutor({ order }: RangeOrder, error: unknown): ExecutionFault {
  const report = { next: order.from, success: 0, failed: 0, cancelled: 0, busy_ms: 0, means: {} };
  // IMPORT: trying again on this worker can't help, and whoever submitted is told at once.
  return new ExecutionFault('IMPORT', describeError(error), report);
}
