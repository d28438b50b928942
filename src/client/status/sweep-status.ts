import {
  type PauseState,
  type Phase,
  type SubmissionStatus,
  WHILE_PLANNING,
  type WorkflowStatus,
} from '../../contract/workflow.js';
import { mergeDigests, type RunDigest } from '../../definition/run-digest.js';
import { mergeMeans, type RunningMeans } from '../../definition/running-mean.js';
import type { FileStore } from '../../storage/file/file-store.js';
import type { Lease } from '../../storage/lease.js';
import type { LiveBatch, LiveChunk, PlanManifest, SubmissionOutcome } from '../../storage/manifest.js';
import { type ObjectiveStatus, objectiveStatus, type SameError, sameErrorOf } from './best-run.js';
import { isDead, readLiveChunks, runsOf } from './live-chunks.js';

/** The status of a submission. total = success + failed + cancelled + running + pending, always. */
export interface SweepStatus extends ObjectiveStatus {
  readonly experiment_id: string;
  readonly submission: string;
  /**
   * `interrupted`: it has no outcome, and no workflow is known to run it. `elsewhere`: as that, but another engine uses
   * the store, and may be running it.
   */
  readonly state: Phase | SubmissionOutcome['state'] | 'interrupted' | 'elsewhere';
  /** Why it waits, is paused, was cancelled or failed. */
  readonly reason: string | null;
  /** By whom and since when its experiment is paused, whatever else it waits for; null if it isn't. */
  readonly pause: PauseState | null;
  readonly total: number;
  readonly reused: number;
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly running: number;
  readonly pending: number;
  /** Running means of the runs of this submission, while it runs. */
  readonly means: RunningMeans;
  /** Null unless all runs that this submission executed failed with the same error. */
  readonly same_error: SameError | null;
  /** Runs that have been going for over a second. */
  readonly long_running: readonly NonNullable<LiveChunk['running']>[];
  /** Workers that died, as far as this machine knows, with chunks that no other worker has taken yet. */
  readonly lost_workers: readonly string[];
  /** Batches in progress, if a scheduler such as Slurm executes the runs. */
  readonly batches: readonly Omit<LiveBatch, 'runs'>[];
  /** How many submissions of the experiment wait behind this one. */
  readonly queued: number;
}

/** Instead of a workflow's answer, if there is no server to ask. */
export const STOPPED = 'stopped';

/** What the workflow answers; undefined if there is none; `silent`: it exists, but no worker answers. */
export type WorkflowAnswer = WorkflowStatus | 'silent' | typeof STOPPED | undefined;

/**
 * A submission's status: from its outcome if it has one, else from its workflow and its workers' live files.
 *
 * @param holder another engine that uses the store
 */
export async function sweepStatus(
  store: FileStore,
  { experiment_id, submission }: { readonly experiment_id: string; readonly submission: string },
  answer: WorkflowAnswer,
  holder?: Lease,
): Promise<SweepStatus> {
  const outcome = await store.readOutcome(experiment_id, submission);
  if (outcome) return ofOutcome(store, outcome);
  const workflow = typeof answer === 'object' ? answer : undefined;
  const current = workflow?.current?.submission === submission ? workflow.current : undefined;
  const [plan, live] = await Promise.all([
    store.readPlan(experiment_id, submission),
    readLive(store.experimentFolder(experiment_id), submission, current),
  ]);
  const total = plan?.total ?? (await countCellsOf(store, experiment_id, submission));
  const queued = workflow?.queued.includes(submission) ?? false;
  const reused = plan?.reused ?? NONE;
  const done = cap(total, {
    success: reused.success + (current?.success ?? 0) + live.success,
    failed: reused.failed + (current?.failed ?? 0) + live.failed,
    cancelled: reused.cancelled + (current?.cancelled ?? 0) + live.cancelled,
  });
  const digest = mergeDigests(current?.digest, live.digest);
  const own = (status: 'success' | 'failed' | 'cancelled') => (current?.[status] ?? 0) + live[status];
  const executed = { success: own('success'), failed: own('failed') };
  // A batch's workflow does not know the count; each running task executes at least one run.
  const inBatches = live.batches.reduce((sum, { running, runs }) => sum + Math.max(running, runs.length), 0);
  const running = Math.min(
    (current?.running ?? 0) + inBatches,
    total - done.success - done.failed - done.cancelled,
  );
  return {
    experiment_id,
    submission,
    ...stateOf(answer, { current, queued, holder, experiment_id }),
    pause: current?.pause ?? null,
    total,
    reused: reused.success + reused.failed + reused.cancelled,
    ...done,
    running,
    pending: total - done.success - done.failed - done.cancelled - running,
    means: mergeMeans(current?.means ?? {}, live.means),
    ...(await objectiveStatus(store, experiment_id, plan?.declaration, digest)),
    same_error: sameErrorOf(digest, executed),
    long_running: live.running,
    lost_workers: live.lost,
    batches: live.batches.map(({ runs: _, ...batch }) => batch),
    queued: current ? (workflow?.queued.length ?? 0) : 0,
  };
}

function stateOf(
  answer: WorkflowAnswer,
  known: {
    readonly current: SubmissionStatus | undefined;
    readonly queued: boolean;
    readonly holder: Lease | undefined;
    readonly experiment_id: string;
  },
): Pick<SweepStatus, 'state' | 'reason'> {
  const { current, queued, holder, experiment_id } = known;
  if (answer === 'silent') return { state: 'waiting', reason: SILENT };
  if (current) return { state: current.phase, reason: current.reason };
  if (!queued && holder) return { state: 'elsewhere', reason: formatHolder(holder) };
  if (answer === STOPPED) return { state: 'interrupted', reason: engineStopped(experiment_id) };
  if (!queued) return { state: 'interrupted', reason: INTERRUPTED };
  const before = answer?.current;
  return {
    state: 'queued',
    reason: before ? `behind ${before.submission}, ${before.phase}: ${countsOf(before)}` : null,
  };
}

const countsOf = ({ total, reused, success, failed, cancelled, running }: SubmissionStatus) =>
  `${reused + success + failed + cancelled} of ${total} done, ${running} running`;

const formatHolder = ({ address, namespace, host }: Lease) =>
  `the store is in use by the engine with Temporal at ${address}, namespace ${namespace}, on ${host}: ask there`;

const SILENT = 'no worker answers; it goes on as soon as one runs: metalab engine start, or submit again';
const INTERRUPTED = 'no workflow is running it: submit again, and what is recorded is reused';
const engineStopped = (experimentId: string) =>
  `the engine does not run: metalab attach ${experimentId} starts it and goes on; nothing recorded is lost`;
const NONE: PlanManifest['reused'] = { success: 0, failed: 0, cancelled: 0 };

async function ofOutcome(store: FileStore, outcome: SubmissionOutcome): Promise<SweepStatus> {
  const { experiment_id, submission, state, reason, total, reused, success, failed, cancelled, missing } =
    outcome;
  const { digest, executed } = outcome;
  const failures = digest?.error?.count ?? 0;
  const manifest = digest && (await store.readSubmission(experiment_id, submission));
  return {
    experiment_id,
    submission,
    state,
    reason,
    pause: null,
    total,
    reused,
    success,
    failed,
    cancelled,
    running: 0,
    pending: missing,
    means: {},
    ...(await objectiveStatus(store, experiment_id, manifest?.declaration, digest)),
    same_error: sameErrorOf(digest, {
      success: Math.max(0, executed - failures - cancelled),
      failed: failures,
    }),
    long_running: [],
    lost_workers: [],
    batches: [],
    queued: 0,
  };
}

/** A retried chunk may be in two workers' live files: the count is limited to the total. */
function cap(total: number, counts: PlanManifest['reused']): PlanManifest['reused'] {
  const failed = Math.min(counts.failed, total);
  const cancelled = Math.min(counts.cancelled, total - failed);
  return { success: Math.min(counts.success, total - failed - cancelled), failed, cancelled };
}

/** Cached by store and submission: a manifest has all params, and each read of a million listed cases takes 50 MB. */
const knownTotals = new Map<string, number>();

async function countCellsOf(store: FileStore, experimentId: string, submission: string): Promise<number> {
  const key = `${store.id}/${submission}`;
  const known = knownTotals.get(key);
  if (known !== undefined) return known;
  const total = (await store.readManifest(experimentId))?.totals.cells ?? 0;
  if (total > 0) knownTotals.set(key, total);
  return total;
}

interface LiveSum extends Pick<LiveChunk, 'success' | 'failed' | 'cancelled' | 'means'> {
  readonly digest: RunDigest;
  readonly running: SweepStatus['long_running'];
  readonly batches: readonly LiveBatch[];
  readonly lost: readonly string[];
}

/** @param current the workflow's answer: its counts include chunks that are no longer in slots */
async function readLive(
  folder: string,
  submission: string,
  current: SubmissionStatus | undefined,
): Promise<LiveSum> {
  const inSlots = current && new Set(current.chunks);
  const chunks = (await readLiveChunks(folder, submission)).filter(
    ({ from }) => from === WHILE_PLANNING || !inSlots || inSlots.has(from),
  );
  const living = chunks.filter(({ worker }) => !isDead(worker));
  // A dead worker's chunk goes to another worker: records of both count, but its run in progress counts once.
  const taken = new Set(living.map(({ from }) => from));
  // It may wait there for a free slot: while all slots are busy, nothing is missing.
  const isShort = taken.size < (current?.running ?? 0);
  const lost = chunks.filter(({ worker, from }) => isShort && isDead(worker) && !taken.has(from));
  const counts = { ...NONE };
  let means: LiveChunk['means'] = {};
  let digest: RunDigest = {};
  for (const chunk of chunks) {
    counts.success += chunk.success;
    counts.failed += chunk.failed;
    counts.cancelled += chunk.cancelled;
    means = mergeMeans(means, chunk.means);
    digest = mergeDigests(digest, chunk.digest);
  }
  return {
    ...counts,
    means,
    digest,
    running: eachOnce(living.flatMap(runsOf)),
    lost: [...new Set(lost.map(({ worker }) => worker))],
    batches: chunks.flatMap(({ batch }) => batch ?? []),
  };
}

/** Two workers may report the same run if one was considered dead and does not know it yet: the later start counts. */
function eachOnce(runs: SweepStatus['long_running']): SweepStatus['long_running'] {
  const latest = new Map<number, SweepStatus['long_running'][number]>();
  for (const run of runs) {
    const other = latest.get(run.position);
    if (!other || Date.parse(run.started_at) > Date.parse(other.started_at)) latest.set(run.position, run);
  }
  return [...latest.values()];
}
