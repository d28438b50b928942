import type { SlurmEnvironment } from '../../../config/resolved-config.js';
import type { ExperimentDeclaration } from '../../../definition/declaration.js';
import { countPositions, sliceRanges } from '../../../definition/position-range.js';
import { cellsOf, readEntries } from '../../../storage/file/formats/plan-entries.js';
import { declarationFile } from '../../../storage/file/layout.js';
import { readSubmissionJson, readSubmissionPlan } from '../../../storage/file/submission-file.js';
import type { BatchLimits, BatchRequest } from '../../batch-executor.js';
import type { PlannedCells } from '../array/recorded-cells.js';
import { FIRST_ROUND, type Round, rangesOf, roundToken } from '../array/rounds.js';
import type { Cluster } from '../cluster.js';
import { type ClusterRetry, placeFault } from '../cluster-retry.js';
import type { SubmissionCollector } from '../collect/submission-collector.js';
import type { Spool, TaskPrograms } from '../spool/spool.js';
import { batchScriptFile } from '../spool/spool-layout.js';
import { excludedNodes, type SlurmState, type StateFile } from '../spool/state-file.js';
import { arrayFolder, arraySpecFile } from '../task/array-files.js';
import type { ArraySpec } from '../task/array-spec.js';
import { batchScript } from '../task/batch-script.js';
import { batchLimits, countTasks, maxTasks } from './array-size.js';
import type { ClusterLimits } from './limits/limits.js';
import { type TaskResources, taskResources } from './resources.js';
import { sbatchArguments } from './sbatch-arguments.js';

/**
 * The share of a job's time that is kept for its start, for a run that takes longer than the others, and for its end.
 */
const MARGIN_SHARE = 0.1;
const MIN_MARGIN_MS = 15_000;
/** A record with few params and metrics has about 800 bytes. */
export const RECORD_BYTES = 1_000;

/** Prints the spec and the job id, as far as they are there, each followed by NUL. Argument: the array's folder. */
const READ_ARRAY = `cd "$1" 2>/dev/null || exit 0
for file in array.json submit/job; do [ ! -e "$file" ] || cat "$file" || exit 1; printf '\\0'; done`;

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
  /** Limits of the next batches. */
  readonly dealing: BatchLimits;
  noteJob(job: string): Promise<void>;
  /** Notes that nothing of it is in the queue any more. */
  noteOver(): Promise<void>;
}

/** Decides what an array consists of, unless that was decided before, and uploads what its tasks need. */
export async function prepareArray(order: BatchRequest, around: ArrayDependencies): Promise<PreparedArray> {
  const { environment, cluster, spool, state, retry, programs, collector } = around;
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
  const { written, job } = await readArray(folder, retry);
  const escalated = written?.escalated ?? before.escalated;
  const shared = taskResources(config, order.resources, order, limits, { escalated });
  const resources = round.alone ? { ...shared, slots: 1 } : shared;
  const name = `metalab-${token}`;
  const known = before.jobs[token] ?? job;
  const size = { limits, config, resources, mean_ms: order.mean_ms };
  const entries = readEntries(storeFolder, await readSubmissionPlan(storeFolder, submission));
  const batch = { ranges: order.ranges, cells: await cellsOf(entries, order.ranges) };
  // Other arrays may have done some of the batch, and not be over yet.
  if (!written && Object.keys(before.jobs).length > 0) await collector.collect(retry);
  const asked = round.ranges ?? rangesOf(collector.recorded.missingOf(batch));
  const ranges = round.alone ? sliceRanges(asked, 0, maxTasks(size)) : asked;
  const positions = countPositions(ranges);
  const chunk_size = round.alone ? 1 : config.chunk_size;
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
    chunk_size,
    tasks: round.alone ? positions : countTasks(positions, size),
    slots: resources.slots,
    budget_ms: budgetOf(resources),
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
  return {
    order,
    cluster,
    collector,
    state,
    limits,
    resources,
    environment,
    spec,
    escalated,
    round,
    node: around.node,
    cells: await cellsOf(entries, spec.ranges),
    batch,
    folder,
    name,
    sbatch: sbatchArguments({ array: folder, name, tasks: spec.tasks, resources, excluded }, config),
    excluded,
    known,
    dealing: batchLimits(size),
    noteJob: async (job) => {
      await state.change(({ jobs }) => ({ jobs: { ...jobs, [token]: job } }));
    },
    noteOver: async () => {
      await state.change(({ over }) => (over.includes(token) ? {} : { over: [...over, token] }));
    },
  };
}

interface WrittenArray {
  /** As first written: a submitted array is never changed. */
  readonly written: ArraySpec | undefined;
  readonly job: string | undefined;
}

/** What the spool has of an array that was prepared before. */
async function readArray(folder: string, retry: ClusterRetry): Promise<WrittenArray> {
  const { stdout } = await retry.ask(['sh', '-c', READ_ARRAY, 'metalab', folder]);
  const [spec = '', job = ''] = stdout.split('\0');
  const written = spec.trim() === '' ? undefined : (JSON.parse(spec) as ArraySpec);
  return { written, job: /^\d+/.exec(job)?.[0] };
}

function budgetOf({ limit_s }: TaskResources): number | null {
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
