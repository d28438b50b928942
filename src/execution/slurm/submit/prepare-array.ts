import type { SlurmEnvironment } from '../../../config/resolved-config.js';
import type { ExperimentDeclaration } from '../../../definition/declaration.js';
import type { PositionRange } from '../../../definition/position-range.js';
import { cellsOf, readEntries } from '../../../storage/file/formats/plan-entries.js';
import { declarationFile, planFile } from '../../../storage/file/layout.js';
import { readJson } from '../../../storage/file/read-json.js';
import { readSubmissionJson, readSubmissionPlan } from '../../../storage/file/submission-file.js';
import type { PlanManifest } from '../../../storage/manifest.js';
import type { BatchLimits, BatchRequest } from '../../batch-executor.js';
import type { PlannedCells } from '../array/array-tasks.js';
import { FIRST_ROUND, type Round, roundToken } from '../array/rounds.js';
import type { Cluster } from '../cluster.js';
import { type ClusterRetry, placeFault } from '../cluster-retry.js';
import type { SubmissionCollector } from '../collect/submission-collector.js';
import type { Spool, TaskPrograms } from '../spool/spool.js';
import { batchScriptFile } from '../spool/spool-layout.js';
import { excludedNodes, type SlurmState, type StateFile } from '../spool/state-file.js';
import { arrayFolder, arraySpecFile } from '../task/array-files.js';
import type { ArraySpec } from '../task/array-spec.js';
import { batchScript } from '../task/batch-script.js';
import type { ClusterLimits } from './limits/limits.js';
import { deal, type PackingInput, PILOT_BUDGET_MS, pack, tasksOfAnArray } from './packing.js';
import { type TaskResources, taskResources } from './resources.js';
import { sbatchArguments } from './sbatch-arguments.js';

/**
 * The share of a job's time that is kept for its start, for a run that takes longer than the others, and for its end.
 */
const MARGIN_SHARE = 0.1;
const MIN_MARGIN_MS = 15_000;
/** A record with few params and metrics has about 800 bytes. */
export const RECORD_BYTES = 1_000;

/** What preparing an array needs from the executor. */
export interface ArrayDependencies {
  readonly environment: SlurmEnvironment;
  readonly cluster: Cluster;
  readonly spool: Spool;
  readonly programs: TaskPrograms;
  readonly collector: SubmissionCollector;
  readonly state: StateFile;
  readonly retry: ClusterRetry;
  readonly version: string;
  /** The program of the shipped Node, on the cluster; null if none is shipped. */
  readonly node: string | null;
}

/** An array that is ready to be submitted, or was submitted before. */
export interface PreparedArray {
  readonly order: BatchRequest;
  readonly cluster: Cluster;
  readonly collector: SubmissionCollector;
  readonly state: StateFile;
  readonly limits: ClusterLimits;
  readonly resources: TaskResources;
  readonly environment: SlurmEnvironment;
  readonly spec: ArraySpec;
  /** How often its resources had grown when it was submitted. */
  readonly escalated: SlurmState['escalated'];
  readonly round: Round;
  /** The program of the Node that was shipped for it. */
  readonly node: string | null;
  readonly cells: Uint32Array;
  /** All of the batch's positions; a later round does only some of them. */
  readonly batch: PlannedCells;
  /** Its folder in the spool, its job's name, and its sbatch arguments. */
  readonly folder: string;
  readonly name: string;
  readonly sbatch: readonly string[];
  /** Nodes that it does not use. */
  readonly excluded: readonly string[];
  /** Its job id, if it was submitted before. */
  readonly known: string | undefined;
  readonly pilot: boolean;
  readonly mean_ms: number | null;
  noteJob(job: string): Promise<void>;
  /** Notes that nothing of it is in the queue any more. */
  noteOver(): Promise<void>;
  /** Limits of the next batches, given the mean duration of a run; null: not known yet. */
  deal(meanMs: number | null): Promise<BatchLimits>;
}

/** Decides what an array consists of, unless that was decided before, and uploads what its tasks need. */
export async function prepareArray(order: BatchRequest, around: ArrayDependencies): Promise<PreparedArray> {
  const { environment, cluster, spool, state, retry, programs } = around;
  const { folder: storeFolder, submission, experiment_id } = order;
  const config = environment.executor;
  const declaration = await readSubmissionJson<ExperimentDeclaration>(
    declarationFile(storeFolder, order.declaration),
    order.declaration,
  );
  const limits = await cluster.limits({ ...config, ...order.resources }, retry);
  const before = await state.read();
  const round = before.rounds[order.token] ?? FIRST_ROUND;
  const token = roundToken(order.token, round);
  const folder = arrayFolder(spool.experimentFolder(experiment_id), submission, token);
  const written = await readSpec(folder, retry);
  const escalated = written?.escalated ?? before.escalated;
  const shared = taskResources(config, order.resources, order, limits, { escalated });
  const resources = round.alone ? { ...shared, slots: 1 } : shared;
  const name = `metalab-${token}`;
  const known = before.jobs[token] ?? (await jobOf(folder, retry));
  const mean_ms = order.mean_ms ?? before.mean_ms;
  const input = packingInput(environment, limits, resources, mean_ms, before);
  const ranges = round.alone
    ? firstOf(round.ranges ?? [], tasksOfAnArray(input))
    : (round.ranges ?? order.ranges);
  const positions = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  const packing = round.alone ? { per_task: 1, tasks: positions, pilot: false } : pack(positions, input);
  const pilot = packing.pilot || before.pilot === token;
  if (pilot) await state.change(() => ({ pilot: token }));
  await state.change(() => ({ open: true }));
  const files = await spool.provide(
    { folder: storeFolder, experiment_id, submission },
    { sha: order.declaration, declaration },
    programs,
    known === undefined ? positions * RECORD_BYTES : 0,
    retry,
  );
  const spec = written ?? {
    token,
    submission,
    experiment_id,
    declaration: order.declaration,
    environment: environment.name,
    ranges,
    per_task: packing.per_task,
    tasks: packing.tasks,
    slots: resources.slots,
    budget_ms: budgetOf(pilot, resources),
    timeout_ms: order.timeout_ms,
    memory_bytes: resources.run_memory_bytes,
    spare_memory:
      mayGrowMemory(environment, resources, escalated) ||
      (resources.slots > 1 && resources.run_memory_bytes === null),
    escalated,
    files,
    metalab: around.version,
  };
  // The submitted array is gone, with everything that it did.
  if (!written && known !== undefined)
    throw placeFault(
      'SPOOL',
      `${arraySpecFile(folder)} is gone, and with it the results of job ${known}; submit again, so that runs without a record are done again`,
    );
  if (!written)
    await retry.until(() => cluster.transport.write(`${JSON.stringify(spec)}\n`, arraySpecFile(folder)));
  const excluded = excludedNodes(before);
  const script = batchScript({
    ...config,
    array: folder,
    runtime: await spool.runtime(programs),
    node: around.node,
  });
  // If it was submitted, Slurm has it; and a second write would block on a full disk.
  if (known === undefined) await retry.until(() => cluster.transport.write(script, batchScriptFile(folder)));
  const entries = readEntries(storeFolder, await readSubmissionPlan(storeFolder, submission));
  return {
    order,
    cluster,
    collector: around.collector,
    state,
    limits,
    resources,
    environment,
    spec,
    escalated,
    round,
    node: around.node,
    cells: await cellsOf(entries, spec.ranges),
    batch: { ranges: order.ranges, cells: await cellsOf(entries, order.ranges) },
    folder,
    name,
    sbatch: sbatchArguments({ array: folder, name, tasks: spec.tasks, resources, excluded }, config),
    excluded,
    known,
    pilot,
    mean_ms,
    noteJob: async (job) => {
      await state.change(({ jobs }) => ({ jobs: { ...jobs, [token]: job } }));
    },
    noteOver: async () => {
      await state.change(({ over }) => (over.includes(token) ? {} : { over: [...over, token] }));
    },
    deal: async (meanMs) => {
      const now = await state.change((before) => ({ piloted: true, mean_ms: meanMs ?? before.mean_ms }));
      const rest = await positionsOf(storeFolder, submission);
      return deal(rest, packingInput(environment, limits, resources, meanMs, now));
    },
  };
}

export function packingInput(
  { executor }: SlurmEnvironment,
  limits: ClusterLimits,
  { slots, cpus, limit_s }: TaskResources,
  mean_ms: number | null,
  { piloted }: Pick<SlurmState, 'piloted'>,
): PackingInput {
  const { chunk_size, max_array_size, max_concurrent } = executor;
  return {
    limits,
    chunk_size,
    max_array_size,
    max_concurrent,
    slots,
    cpus,
    time_s: limit_s,
    mean_ms,
    piloted,
  };
}

/** The spec as first written: a submitted array is never changed. */
async function readSpec(folder: string, retry: ClusterRetry): Promise<ArraySpec | undefined> {
  const script = '[ ! -e "$1" ] || cat "$1"';
  const { stdout } = await retry.ask(['sh', '-c', script, 'metalab', arraySpecFile(folder)]);
  return stdout.trim() === '' ? undefined : (JSON.parse(stdout) as ArraySpec);
}

/** The first `most` positions. */
function firstOf(ranges: readonly PositionRange[], most: number): PositionRange[] {
  let rest = most;
  return ranges.flatMap(({ from, to }) => {
    const count = Math.min(rest, to - from);
    rest -= count;
    return count > 0 ? [{ from, to: from + count }] : [];
  });
}

async function jobOf(folder: string, retry: ClusterRetry): Promise<string | undefined> {
  const { stdout } = await retry.ask([
    'sh',
    '-c',
    '[ ! -s "$1" ] || cat "$1"',
    'metalab',
    `${folder}/submit/job`,
  ]);
  return /^\d+/.exec(stdout)?.[0];
}

function budgetOf(pilot: boolean, { limit_s }: TaskResources): number | null {
  if (pilot) return PILOT_BUDGET_MS;
  if (limit_s === null) return null;
  const limit = limit_s * 1000;
  return Math.max(1_000, limit - Math.max(MARGIN_SHARE * limit, Math.min(MIN_MARGIN_MS, limit / 2)));
}

const mayGrowMemory = (
  { executor: { escalate } }: SlurmEnvironment,
  { memory_bytes }: TaskResources,
  escalated: SlurmState['escalated'],
) =>
  memory_bytes !== undefined &&
  escalate !== undefined &&
  escalate.memory > 1 &&
  escalated.memory < escalate.max;

async function positionsOf(folder: string, submission: string): Promise<number> {
  return (await readJson<PlanManifest>(planFile(folder, submission)))?.positions ?? 1;
}
