import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { cacheFolder } from '../access/own-folders.js';
import { createActivities } from '../activities/create.js';
import type { ActivityDependencies } from '../activities/dependencies.js';
import { LiveBoard } from '../activities/execute/live-board.js';
import type { WorkerIdentity } from '../activities/ports.js';
import { trustServer } from '../activities/submission/signed.js';
import { SlotAnnouncements } from '../activities/submission/slot-announcements.js';
import { StoreLeases } from '../activities/submission/store-leases.js';
import { SubmissionScopes } from '../activities/submission/submission-scopes.js';
import { batchQueueOf, slotQueueOf } from '../contract/workflow.js';
import { type TemporalTarget, temporalUnreachable } from '../engine/connect.js';
import { engineIdentity } from '../engine/identity.js';
import type { RequestKey } from '../engine/request-key.js';
import { METALAB_VERSION } from '../engine/version.js';
import { keepSshVariables, sshEnvironment } from '../engine/worker/ssh-environment.js';
import { createCompactor } from '../results/compaction/compactor.js';
import { servicesQueue } from '../services/place.js';
import { refuseUntrusted } from '../storage/file/refuse-strangers.js';
import { endUnsignedSweeps } from './end-unsigned.js';
import { EnvironmentExecutors } from './executors.js';
import { createIndexer } from './indexer.js';
import { workerLogger } from './log.js';
import { openLogins } from './logins.js';
import { SlotCapacity } from './slot-capacity.js';
import { openStores } from './stores.js';
import { viewWorkflows } from './workflow-view.js';

/**
 * By default the SDK sends an activity's heartbeat every four fifths of its timeout, 16 s. A cancellation arrives in
 * the answer to a heartbeat, and a server outage counts from the last heartbeat before it.
 */
const HEARTBEAT_MS = 2_000;
/** Following a batch takes next to nothing. */
const MAX_BATCHES = 500;
/** So is looking after services: an environment's take one at a time, or two for a moment. */
const MAX_SERVICES = 200;
/** How long chunks may take to report, once their slots are gone. */
const HAND_BACK_MS = 10_000;

export interface WorkerSettings {
  readonly target: TemporalTarget;
  readonly requestKey: RequestKey;
  readonly slots: number;
  /** Whether submissions may have more slots than `slots`. */
  readonly grows: boolean;
  /** How long running runs may take to end after the worker was asked to stop, milliseconds. */
  readonly grace_ms: number;
  readonly verbose: boolean;
}

/** A polling worker. `stop` hands back what has not started; `stopped` settles when everything has ended. */
export interface RunningWorker {
  readonly stopped: Promise<void>;
  stop(): void;
}

/** Connects, creates the four Temporal workers (control, slots, batches and services), and runs them. */
export async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  const { target, slots, grows, grace_ms, requestKey } = settings;
  const { taskQueue } = requestKey;
  Runtime.install({ logger: workerLogger(settings.verbose), shutdownSignals: [] });
  const connection = await NativeConnection.connect(target.connectionOptions).catch((error: unknown) => {
    throw temporalUnreachable(target, error);
  });
  // Whoever starts a worker has a newer environment than earlier submitters.
  keepSshVariables();
  const id = `${hostname()}-${process.pid}`;
  const capacity = new SlotCapacity(slots, { grows });
  const executors = new EnvironmentExecutors({
    runner: fileURLToPath(new URL('../runner.mjs', import.meta.url)),
    task: fileURLToPath(new URL('../task.mjs', import.meta.url)),
    cache: cacheFolder(),
    sshEnvironment,
    provenance: { metalab: METALAB_VERSION, worker: id },
  });
  const compactor = createCompactor((line) =>
    process.stderr.write(`${new Date().toISOString()} WARN ${line}\n`),
  );
  const indexer = createIndexer((line) => process.stderr.write(`${line}\n`));
  const stopListeners = new Set<() => void>();
  const logins = await openLogins();
  const leases = new StoreLeases({ ...(await engineIdentity(connection, target)), worker: id });
  const workflows = viewWorkflows(connection, target.namespace);
  let ending = false;
  const worker: WorkerIdentity = {
    id,
    slots: () => (ending ? 0 : capacity.size),
    provide: (submission, asked) => capacity.provide(submission, asked),
  };
  const offers = new SlotAnnouncements(worker, workflows);
  const live = new LiveBoard(id);
  const scopes = new SubmissionScopes(leases, async (store, { experiment_id, submission }) => {
    await executors.release(submission);
    capacity.release(submission);
    offers.release(submission);
    await live.clear(store.experimentFolder(experiment_id), submission);
  });
  const dependencies: ActivityDependencies = {
    signatures: requestKey.trustsServer ? trustServer : requestKey.key,
    executors,
    openStore: openStores(),
    refuseStrangers: ({ root }, used) => refuseUntrusted(root, used),
    live,
    workflows,
    leases,
    scopes,
    offers,
    compactor,
    indexer,
    worker,
    onStopping(listener) {
      stopListeners.add(listener);
      return () => stopListeners.delete(listener);
    },
  };
  const { execute, executeBatch, services, ...control } = createActivities(dependencies);
  const { verifyServices, ...servicesHere } = services;
  const shared = {
    connection,
    namespace: target.namespace,
    identity: id,
    shutdownGraceTime: grace_ms + HAND_BACK_MS,
    maxHeartbeatThrottleInterval: HEARTBEAT_MS,
  } satisfies Partial<WorkerOptions>;
  const workers = await Promise.all([
    Worker.create({
      ...shared,
      taskQueue,
      workflowBundle: { codePath: fileURLToPath(new URL('../workflow-bundle.js', import.meta.url)) },
      activities: { ...control, verifyServices },
      maxCachedWorkflows: 200,
      // What a killed worker had in its cache is offered to others after this time. Temporal's default is 10 s.
      stickyQueueScheduleToStartTimeout: '5s',
      // If another build's code can't continue a workflow, everything is in the store: the workflow ends and does not
      // hang, and clients that follow it submit again.
      workflowFailureErrorTypes: { '*': ['NondeterminismError', 'DeterminismViolationError', 'Error'] },
    }),
    Worker.create({
      ...shared,
      taskQueue: slotQueueOf(taskQueue),
      activities: { execute },
      tuner: slotTuner(capacity),
    }),
    Worker.create({
      ...shared,
      taskQueue: batchQueueOf(taskQueue),
      activities: { execute: executeBatch },
      maxConcurrentActivityTaskExecutions: MAX_BATCHES,
    }),
    Worker.create({
      ...shared,
      taskQueue: servicesQueue(taskQueue),
      activities: servicesHere,
      maxConcurrentActivityTaskExecutions: MAX_SERVICES,
    }),
  ]);
  if (!target.userProvided) await endUnsignedSweeps(connection, target.namespace);
  const stopped = Promise.all(workers.map((worker) => worker.run()))
    .finally(() => Promise.all([executors.close(), compactor.close()]))
    .finally(() => indexer.close())
    .finally(() => logins.close())
    .finally(() => scopes.close())
    .finally(() => leases.close())
    .finally(() => connection.close())
    .then(() => undefined);
  return {
    stopped,
    stop() {
      ending = true;
      offers.withdraw();
      for (const listener of stopListeners) listener();
      // Runs that outlast the grace period end with their slots; their ranges go back, and what is recorded stays.
      setTimeout(() => void executors.close(), grace_ms).unref();
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    },
  };
}

function slotTuner(activityTaskSlotSupplier: SlotCapacity): WorkerOptions['tuner'] {
  // This worker has no workflows, local activities or Nexus operations, but the tuner requires these settings.
  const few = { type: 'fixed-size' as const, numSlots: 2 };
  return {
    activityTaskSlotSupplier,
    workflowTaskSlotSupplier: few,
    localActivityTaskSlotSupplier: few,
    nexusTaskSlotSupplier: few,
  };
}
