import { availableParallelism } from 'node:os';
import { parseDuration } from '../definition/duration.js';
import { UsageError } from '../definition/errors.js';
import { readBuild } from '../engine/build.js';
import { resolveTemporal } from '../engine/connect.js';
import { loadRequestKey } from '../engine/request-key.js';
import { registerWorker, unregisterWorker } from '../engine/worker/registration.js';
import { startWorker } from '../workers/run-worker.js';
import type { CommandContext, CommonOptions } from './command.js';

export interface WorkerFlags extends CommonOptions {
  readonly slots?: number;
  readonly grace?: string;
  readonly background?: boolean;
}

/** Connects, registers once it polls, and runs until a signal stops it. */
export async function runWorkerCommand(options: WorkerFlags, context: CommandContext): Promise<number> {
  const slots = options.slots ?? availableParallelism();
  const grace_ms = parseDuration(options.grace ?? '30s');
  if (grace_ms === undefined) {
    throw new UsageError({
      code: 'METALAB_OPTION',
      where: '--grace',
      what: `is ${JSON.stringify(options.grace)}`,
      expected: "a duration such as '30s' or '10m'",
    });
  }
  const background = options.background ?? false;
  // A background worker never starts a server: it was started for an existing one.
  const target = await resolveTemporal({ start: !background, say: (line) => context.note(line) });
  const requestKey = await loadRequestKey(target);
  const worker = await startWorker({
    target,
    requestKey,
    slots,
    grows: background,
    grace_ms,
    verbose: options.verbose ?? false,
  });
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    if (!background) context.note('stopping: no further run is started; Ctrl-C again stops immediately');
    process.once('SIGINT', () => process.exit(130));
    worker.stop();
  };
  process.once('SIGINT', stop);
  // Every signal is handled: the default action of a second one would end slots in the middle of their runs.
  process.on('SIGTERM', stop);
  const { address, namespace } = target;
  const { taskQueue } = requestKey;
  registerWorker({
    address,
    namespace,
    task_queue: taskQueue,
    build: readBuild(),
    slots,
    background,
    grace_ms,
  });
  if (!background)
    context.note(`worker with ${slots} slots polls ${address} (namespace ${namespace}); Ctrl-C stops it`);
  try {
    await worker.stopped;
  } finally {
    unregisterWorker();
  }
  return 0;
}
