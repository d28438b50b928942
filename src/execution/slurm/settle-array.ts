import type { LostRun } from '../../runner/protocol.js';
import type { ExecutionFault } from '../execution-fault.js';
import type { ArrayTasks } from './array-tasks.js';
import { type Patience, placeFault } from './ask.js';
import { collectOutputs, saysMemory, slurmsWord } from './collect/task-outputs.js';
import { recordLost } from './lost-runs.js';
import type { PreparedArray } from './prepare-array.js';
import type { AccountedTask } from './queue/sacct.js';
import { isConclusive, meaningOf } from './queue/states.js';
import type { JobView, TaskStatus } from './queue/watched-job.js';
import { judge, type TaskEvidence, type TaskLimits, type Verdict } from './verdicts.js';

/** Characters. */
const MOST_OUTPUT = 4_000;

/**
 * Judges what an array's tasks left undone: records what counts as lost, notes nodes that failed and resources that have to
 * grow. What is left after that goes round again.
 *
 * @returns a fault, where every task of the array failed through one before it did anything
 */
export async function settleArray(
  array: PreparedArray,
  tasks: ArrayTasks,
  { job, view }: { readonly job: string; readonly view: JobView },
  patience: Patience,
): Promise<ExecutionFault | undefined> {
  const { state, resources, environment } = array;
  const { escalated } = await state.read();
  const limits: TaskLimits = {
    time_s: resources.limit_s,
    memory_bytes: resources.memory_bytes ?? null,
    escalate: environment.executor.escalate,
    escalated,
  };
  const { folder, submission } = array.order;
  const outputs = await collectOutputs({ folder, submission, array: array.folder, job }, patience);
  const accounted = await withAccounts(array, [...tasks.evidence(view)], job, patience);
  const verdicts = accounted.map(({ task, evidence: told }) => {
    const evidence = { ...told, status: withMemory(told.status, outputs.get(task)) };
    return { task, evidence, verdict: judge(evidence, limits) };
  });
  await noteState(array, verdicts);
  await record(array, verdicts, outputs);
  const faults = verdicts.filter(({ verdict }) => verdict.fault);
  if (faults.length < verdicts.length || faults.length === 0) return undefined;
  const { task, verdict } = faults[0]!;
  const { code, message } = verdict.fault!;
  const output = endOf(outputs.get(task));
  const where = `${environment.name}, task ${task} of job ${job}`;
  return placeFault(
    faultCode(code),
    `${where}: ${message}${output ? `\nits output ends with:\n${output}` : ''}`,
  );
}

interface Evident {
  readonly task: number;
  readonly evidence: TaskEvidence;
}

/** Accounting lags by a second or two; what it tells is for people, so it is not waited for longer. */
const ACCOUNT_TRIES = 4;
const ACCOUNT_APART_MS = 1_000;

/** Exit codes and MaxRSS of tasks that could not tell themselves how they ended. */
async function withAccounts(
  { cluster, limits }: PreparedArray,
  all: readonly Evident[],
  job: string,
  patience: Patience,
): Promise<readonly Evident[]> {
  const wanted = all.filter(
    ({ evidence: { status, missing } }) =>
      missing > 0 && status && !status.accounted && ['timeout', 'memory', 'ended'].includes(status.meaning),
  );
  if (wanted.length === 0 || !limits.accounting) return all;
  for (let tries = 1; ; tries++) {
    const accounts = await cluster.queue.account(job).catch(() => new Map<number, AccountedTask>());
    const known = wanted.every(({ task }) => isConclusive(meaningOf(accounts.get(task)?.state ?? '')));
    if (!known && tries < ACCOUNT_TRIES) {
      await patience.sleep(ACCOUNT_APART_MS);
      continue;
    }
    return all.map(({ task, evidence }) => {
      const { status } = evidence;
      const accounted = accounts.get(task);
      return {
        task,
        evidence: status && accounted ? { ...evidence, status: { ...status, accounted } } : evidence,
      };
    });
  }
}

/** Where cgroups don't watch memory, squeue says FAILED of a task that was ended for it: only accounting or its output tell. */
function withMemory(status: TaskStatus | undefined, output: string | undefined): TaskStatus | undefined {
  if (!status || !['ended', 'cancelled'].includes(status.meaning)) return status;
  const told = meaningOf(status.accounted?.state ?? '') === 'memory' || saysMemory(output ?? '');
  return told ? { ...status, meaning: 'memory' } : status;
}

interface Judged {
  readonly task: number;
  readonly evidence: TaskEvidence;
  readonly verdict: Verdict;
}

async function noteState({ state, spec }: PreparedArray, verdicts: readonly Judged[]): Promise<void> {
  const nodes = verdicts.flatMap(({ verdict }) => (verdict.failedNode ? [verdict.failedNode] : []));
  const grows = (what: 'time' | 'memory') => verdicts.some(({ verdict }) => verdict.escalate === what);
  if (nodes.length === 0 && !grows('time') && !grows('memory')) return;
  // Where no task got to work, the nodes are not to blame.
  const blamed = nodes.length < spec.tasks || spec.tasks === 1 ? nodes : [];
  await state.change(({ node_failures, escalated }) => {
    const failures = { ...node_failures };
    for (const node of blamed) failures[node] = (failures[node] ?? 0) + 1;
    return {
      node_failures: failures,
      escalated: {
        time: escalated.time + (grows('time') ? 1 : 0),
        memory: escalated.memory + (grows('memory') ? 1 : 0),
      },
    };
  });
}

async function record(
  array: PreparedArray,
  verdicts: readonly Judged[],
  outputs: ReadonlyMap<number, string>,
): Promise<void> {
  const { order, collector, environment, runner } = array;
  const lost: LostRun[] = [];
  for (const { task, evidence, verdict } of verdicts) {
    if (verdict.lost.length === 0) continue;
    const output = endOf(outputs.get(task));
    const word = slurmsWord(output);
    for (const { run, error } of verdict.lost)
      lost.push({
        position: run.position,
        attempt: run.attempt,
        started_at: run.started_at,
        duration_ms: run.elapsed_ms,
        error: word === undefined ? error : { ...error, message: `${error.message}\n${word}` },
        output,
        provenance: provenanceOf(evidence, task),
      });
  }
  if (lost.length === 0) return;
  const { folder, submission, declaration } = order;
  const provenance = { executor: 'slurm', environment: environment.name };
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' };
  await recordLost({ folder, submission, declaration }, lost, { runner, provenance, env });
  await collector.recorded.scan();
}

function provenanceOf({ status, live, end }: TaskEvidence, task: number): { [key: string]: string | number } {
  const told = end ?? live;
  const accounted = status?.accounted;
  const rss = Math.max(accounted?.maxRssBytes ?? 0, told?.peak_rss_bytes ?? 0);
  return {
    task,
    ...(told ? { job: `${told.job}_${task}`, slurm_node: told.node, host: told.node } : {}),
    ...(status ? { slurm_state: status.state } : {}),
    ...(told || accounted ? { elapsed_ms: Math.max(told?.elapsed_ms ?? 0, accounted?.elapsedMs ?? 0) } : {}),
    ...(rss > 0 ? { max_rss_bytes: rss } : {}),
  };
}

const endOf = (output = '') => output.slice(-MOST_OUTPUT).trim();

/** The system's codes are about the cluster's filesystem: the store's own have another remedy. */
const faultCode = (code: string) => (/^E[A-Z]+$/.test(code) ? `SPOOL_${code}` : code);
