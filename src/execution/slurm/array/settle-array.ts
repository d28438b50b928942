import type { ExecutionFault } from '../../execution-fault.js';
import { type ClusterRetry, placeFault } from '../cluster-retry.js';
import {
  collectOutputs,
  lastRestart,
  lastSlurmMessage,
  memoryWhenEnded,
  saysMemory,
  saysSetUpFailed,
} from '../collect/task-outputs.js';
import type { AccountedTask } from '../queue/sacct.js';
import { isConclusive, meaningOf } from '../queue/states.js';
import type { JobView, TaskStatus } from '../queue/watched-job.js';
import type { PreparedArray } from '../submit/prepare-array.js';
import { NO_NODE_SHIPPED } from '../task/exit-codes.js';
import type { ArrayTasks } from './array-tasks.js';
import {
  classifyFailure,
  isCancelledAsWhole,
  ofIncarnation,
  type TaskEvidence,
  type TaskLimits,
} from './classify-failure.js';
import { type EndedRun, recordLost } from './lost-runs.js';
import { type ClassifiedTask, noteFindings } from './note-findings.js';
import { type Round, rangesOf, within } from './rounds.js';

/** Characters. */
const MAX_OUTPUT = 4_000;
/** Further suspects wait for the next round. */
const MAX_SUSPECTS = 100;

/** The consequences of how an array ended. */
export interface Settlement {
  /** Every task failed through a fault before it did anything. */
  readonly fault?: ExecutionFault;
  /** Full message, if somebody cancelled the array: who, and what. */
  readonly cancelled?: string;
  /** The batch has another try, noted as its next round. */
  readonly again: boolean;
}

/**
 * Classifies what an array's tasks left undone: records lost runs, notes nodes that failed and resources that have to
 * grow. The rest is tried again, in this batch or in a later one. Safe to repeat.
 */
export async function settleArray(
  array: PreparedArray,
  tasks: ArrayTasks,
  { job, view }: { readonly job: string; readonly view: JobView },
  retry: ClusterRetry,
): Promise<Settlement> {
  const { spec, resources, environment } = array;
  const limits: TaskLimits = {
    slots: spec.slots,
    time_s: resources.limit_s,
    memory_bytes: resources.memory_bytes ?? null,
    escalate: environment.executor.escalate,
    escalated: array.escalated,
  };
  const accounts = await accountsOf(array, [...tasks.evidence(view)], tasks.hasRestarted, job, retry);
  const { folder, submission } = array.order;
  const outputs = await collectOutputs({ folder, submission, array: array.folder, job }, retry);
  const classified = withAccounts([...tasks.evidence(view)], accounts).map(({ task, evidence: told }) => {
    const said = outputs.get(task) ?? '';
    const evidence = { ...ofIncarnation(told, lastRestart(said)), status: withMemory(told.status, said) };
    return { task, evidence, failure: classifyFailure(evidence, limits) };
  });
  await record(array, classified, outputs);
  // A sweep that was cancelled meanwhile has its own reason.
  if (!retry.cancelled && isCancelledAsWhole(classified))
    return { cancelled: await formatCancelled(array, job, retry), again: false };
  const faults = classified.filter(({ failure }) => failure.fault);
  const failed = faults.length === classified.length ? faults[0] : undefined;
  const output = failed ? endOf(outputs.get(failed.task)) : '';
  const missesNode = array.node === null && seesNoNode(faults, outputs);
  const next = nextRound(array, tasks, classified, Boolean(failed) || missesNode);
  await noteFindings(array, { classified, accounts, next, missesNode, failed: Boolean(failed) });
  if (!failed || missesNode) return { again: next !== undefined };
  const { code, message } = failed.failure.fault!;
  const where = `${environment.name}, task ${failed.task} of job ${job}`;
  const fault = placeFault(
    isOfSetUp(faults, outputs) ? 'SET_UP' : faultCode(code),
    `${where}: ${message}${output ? `\nits output ends with:\n${output}` : ''}`,
  );
  return { fault, again: false };
}

/** Accounting knows who cancelled it, by user number. */
async function formatCancelled(
  { cluster, limits }: PreparedArray,
  job: string,
  retry: ClusterRetry,
): Promise<string> {
  const accounts = limits.accounting ? await cluster.queue.account(job).catch(() => []) : [];
  const uid = accounts.map(({ state }) => /^CANCELLED by (\d+)/.exec(state)?.[1]).find(Boolean);
  const found = uid === undefined ? undefined : await retry.ask(['id', '-un', uid], { isAnswer: () => true });
  const name = found?.exitCode === 0 ? found.stdout.trim() : `uid ${uid}`;
  return `somebody cancelled job ${job} in Slurm${uid === undefined ? '' : ` (${name})`}`;
}

/** The next array, if another one fixes the problem. */
function nextRound(
  { round, order }: PreparedArray,
  tasks: ArrayTasks,
  classified: readonly ClassifiedTask[],
  faulty: boolean,
): Round | undefined {
  const number = round.number + 1;
  const alone = classified.flatMap(({ failure }) => failure.alone ?? []).sort((a, b) => a - b);
  if (alone.length > 0) return { number, ranges: rangesOf(alone, MAX_SUSPECTS), alone: true };
  if (!faulty && !classified.some(({ failure }) => failure.grow || failure.evicted)) return undefined;
  if (!round.alone) return { number, ranges: tasks.left(), alone: false };
  const own = round.ranges ?? order.ranges;
  return { number, ranges: within(tasks.left(Number.POSITIVE_INFINITY), own), alone: true };
}

/** The output that Slurm kept of tasks. */
type Outputs = ReadonlyMap<number, string>;

interface Evident {
  readonly task: number;
  readonly evidence: TaskEvidence;
}

/** Accounting lags by a second or two. Its answer is only shown to people, so it is not waited for longer. */
const ACCOUNT_TRIES = 4;
const ACCOUNT_APART_MS = 1_000;

/**
 * Exit codes, MaxRSS and full states of tasks that could not report their own end, and of tasks that were restarted.
 */
async function accountsOf(
  { cluster, limits }: PreparedArray,
  all: readonly Evident[],
  restarted: boolean,
  job: string,
  retry: ClusterRetry,
): Promise<readonly AccountedTask[]> {
  const wanted = all.filter(
    ({ evidence: { status, missing } }) =>
      missing > 0 && status && !status.accounted && ['timeout', 'memory', 'ended'].includes(status.meaning),
  );
  if (!limits.accounting || (wanted.length === 0 && !restarted)) return [];
  for (let tries = 1; ; tries++) {
    const accounts = await cluster.queue.account(job).catch(() => []);
    const known = wanted.every(({ task }) =>
      accounts.some((each) => each.task === task && isConclusive(meaningOf(each.state))),
    );
    if (known || tries === ACCOUNT_TRIES) return accounts;
    await retry.sleep(ACCOUNT_APART_MS);
  }
}

/** For a task that was ended for its memory, squeue says FAILED, and accounting OUT_OF_MEMORY (Slurm 22.05). */
function withAccounts(all: readonly Evident[], accounts: readonly AccountedTask[]): Evident[] {
  const last = new Map(accounts.map((each) => [each.task, each]));
  return all.map(({ task, evidence }) => {
    const { status } = evidence;
    const accounted = status?.accounted ?? last.get(task);
    if (!status || !accounted) return { task, evidence };
    const meaning = meaningOf(accounted.state);
    const tellsMore = status.meaning === 'ended' && isConclusive(meaning) && meaning !== 'cancelled';
    const told = tellsMore ? { meaning, state: accounted.state } : {};
    return { task, evidence: { ...evidence, status: { ...status, ...told, accounted } } };
  });
}

/**
 * If cgroups don't limit memory, squeue says FAILED for a task that was ended for it: only accounting or its output
 * tells.
 */
function withMemory(status: TaskStatus | undefined, output: string): TaskStatus | undefined {
  if (!status || !['ended', 'cancelled'].includes(status.meaning)) return status;
  const told = meaningOf(status.accounted?.state ?? '') === 'memory' || saysMemory(output);
  return told ? { ...status, meaning: 'memory', state: 'OUT_OF_MEMORY' } : status;
}

/** Without accounting nobody knows its exit code. */
const seesNoNode = (faults: readonly ClassifiedTask[], outputs: Outputs): boolean =>
  faults.some(
    ({ task, failure }) =>
      failure.fault!.code === 'TASK_NO_NODE' ||
      (failure.fault!.code === 'TASK_START' && endOf(outputs.get(task)).includes(NO_NODE_SHIPPED)),
  );

/** A failure that every task of an array has is not fixed by retrying. */
const isOfSetUp = (faults: readonly ClassifiedTask[], outputs: Outputs): boolean =>
  faults.every(({ task, failure }) => {
    const { code } = failure.fault!;
    const unknown = code === 'TASK_START' && saysSetUpFailed(outputs.get(task) ?? '');
    return code === 'TASK_SET_UP' || code === 'TASK_NO_NODE' || unknown;
  });

async function record(
  array: PreparedArray,
  classified: readonly ClassifiedTask[],
  outputs: Outputs,
): Promise<void> {
  const { order, collector, environment } = array;
  const lost: EndedRun[] = [];
  for (const { task, evidence, failure } of classified) {
    if (failure.lost.length === 0) continue;
    const output = endOf(outputs.get(task));
    const word = lastSlurmMessage(output);
    for (const { run, error } of failure.lost)
      lost.push({
        position: run.position,
        attempt: run.attempt,
        started_at: run.started_at,
        duration_ms: run.elapsed_ms,
        error: word === undefined ? error : { ...error, message: `${error.message}\n${word}` },
        output,
        provenance: provenanceOf(evidence, task, memoryWhenEnded(output)),
      });
  }
  if (lost.length === 0) return;
  await recordLost(order, lost, { executor: 'slurm', environment: environment.name });
  await collector.recorded.scan();
}

function provenanceOf(
  { status, live, end }: TaskEvidence,
  task: number,
  endedWith: number,
): { [key: string]: string | number } {
  const told = end ?? live;
  const accounted = status?.accounted;
  const rss = Math.max(accounted?.maxRssBytes ?? 0, told?.peak_rss_bytes ?? 0, endedWith);
  return {
    task,
    ...(told ? { job: `${told.job}_${task}`, slurm_node: told.node, host: told.node } : {}),
    ...(status ? { slurm_state: status.state } : {}),
    ...(told || accounted ? { elapsed_ms: Math.max(told?.elapsed_ms ?? 0, accounted?.elapsedMs ?? 0) } : {}),
    ...(rss > 0 ? { max_rss_bytes: rss } : {}),
  };
}

const endOf = (output = '') => output.slice(-MAX_OUTPUT).trim();

/** The system's codes are about the cluster's filesystem here; the same codes about the store need another remedy. */
const faultCode = (code: string) => (/^E[A-Z]+$/.test(code) ? `SPOOL_${code}` : code);
