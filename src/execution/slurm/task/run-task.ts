import { dirname, join } from 'node:path';
import type { ExperimentDeclaration } from '../../../definition/declaration.js';
import { MetalabError } from '../../../definition/errors.js';
import { countPositions, type PositionRange } from '../../../definition/position-range.js';
import { monotonicMs } from '../../../runner/protocol-note.js';
import { writeAtomically } from '../../../storage/file/atomic-write.js';
import { declarationFile } from '../../../storage/file/layout.js';
import { makeFolder } from '../../../storage/file/make-folder.js';
import { readSubmissionJson, readSubmissionPlan } from '../../../storage/file/submission-file.js';
import { arraySpecFile, segmentPrefix, taskEndFile, taskLiveFile } from './array-files.js';
import type { ArraySpec, TaskEnd, TaskFault } from './array-spec.js';
import { blockOf, without } from './blocks.js';
import { claimBlock } from './claim.js';
import { findContextFiles, resolvePlaces } from './context-files.js';
import { readGifts } from './gifts.js';
import { HandOver } from './hand-over.js';
import { LiveFile } from './live-file.js';
import { unrecorded } from './recorded.js';
import { taskRunEnvironment } from './run-environment.js';
import { StopWatch } from './stop-watch.js';
import { TaskBoard } from './task-board.js';
import { TaskExecution, type TaskPlace } from './task-execution.js';
import type { TaskIdentity } from './task-identity.js';
import { WorkQueue } from './work-queue.js';

/** The most ranges in a report: settling finds the rest. */
const MAX_RANGES = 200;
/** Slots that wait for others' pieces stay warm. */
const IDLE_MS = 600_000;

/** What a task is started with. */
export interface TaskStart {
  /** The array's folder in the spool. */
  readonly array: string;
  readonly identity: TaskIdentity;
  /** Path of the runner's bundle. */
  readonly runner: string;
  /** When the task began, on this process's monotonic clock. With something to set up, that was before this process. */
  readonly started: number;
  readonly env: { readonly [name: string]: string | undefined };
}

/**
 * Does one task's block, and writes a report of how that ended.
 *
 * @returns undefined if another process has the block
 * @throws StoreError if the array's folder can't be written
 */
export async function runTask(start: TaskStart): Promise<TaskEnd | undefined> {
  const { array, identity } = start;
  if (!(await claimBlock(array, identity))) return undefined;
  const board = new TaskBoard(identity, start.started);
  const watch = new StopWatch(array, identity.ends_at);
  const live = new LiveFile(taskLiveFile(array, identity.task), () => board.live());
  const work = await doBlock(start, board, watch, live);
  await live.close();
  watch.close();
  const end: TaskEnd = { ...board.live(), slots: [], how: howOf(work, watch), ...work };
  await writeAtomically(taskEndFile(array, identity.task, identity.restart), `${JSON.stringify(end)}\n`);
  return end;
}

type Work = Pick<TaskEnd, 'fault' | 'cut' | 'left'>;

async function doBlock(start: TaskStart, board: TaskBoard, watch: StopWatch, live: LiveFile): Promise<Work> {
  let block: readonly PositionRange[] = [];
  try {
    const { array, identity } = start;
    const spec = await readSubmissionJson<ArraySpec>(arraySpecFile(array));
    const experiment = experimentOf(array);
    block = blockOf(spec, identity.task);
    const plan = await readSubmissionPlan(experiment, spec.submission);
    const had = without(block, await givenAway(array, identity));
    const missing = await unrecorded(experiment, spec, identity, had, plan);
    board.begin(block, had, countPositions(had) - countPositions(missing));
    block = missing;
    if (missing.length === 0) return { fault: null, cut: [], left: [] };
    // A task of one run has nothing to give, and its array has as many tasks as runs for a reason.
    const shares = spec.tasks > 1 && spec.per_task > 1;
    const queue = new WorkQueue(missing, spec.slots, { expecting: shares });
    const place = await placeOf(start, spec, experiment);
    const execution = new TaskExecution(place, queue, { board, live, watch });
    const { deadline } = place;
    const handOver = new HandOver({ array, identity, tasks: spec.tasks, deadline }, queue, board, () =>
      live.write(),
    );
    await Promise.all([execution.run().finally(() => queue.stop()), shares && handOver.run()]);
    const cut = execution.cut.map(({ position, attempt, started_at, duration_ms }) => {
      return { position, attempt, started_at, elapsed_ms: Math.round(duration_ms) };
    });
    return { fault: execution.fault ?? null, cut, left: queue.left.slice(0, MAX_RANGES) };
  } catch (error) {
    return { fault: faultOf(error), cut: [], left: block.slice(0, MAX_RANGES) };
  }
}

/** What a requeued task gave to others before. */
async function givenAway(array: string, { task, restart }: TaskIdentity): Promise<PositionRange[]> {
  if (restart === 0) return [];
  const gifts = (await readGifts(array)).filter(({ giver }) => giver === task);
  return gifts.map(({ range }) => range).sort((a, b) => a.from - b.from);
}

/** Where and how the block's runs are executed on this node. */
async function placeOf(start: TaskStart, spec: ArraySpec, experiment: string): Promise<TaskPlace> {
  const { identity, runner, started } = start;
  const { submission, environment, slots, budget_ms, timeout_ms, metalab } = spec;
  const declaration = await readSubmissionJson<ExperimentDeclaration>(
    declarationFile(experiment, spec.declaration),
    spec.declaration,
  );
  const files = resolvePlaces(spec.files, dirname(experiment));
  const cwd = join(experiment, 'work');
  await makeFolder(cwd);
  const { task, restart, job, node, partition, memory_bytes: allocated } = identity;
  return {
    slots,
    deadline: budget_ms === null ? Number.POSITIVE_INFINITY : started + budget_ms,
    setup: {
      folder: experiment,
      submission,
      declaration: spec.declaration,
      files,
      found: await findContextFiles(declaration.files, files),
      writer_prefix: `${segmentPrefix(spec.token, task)}${restart}-`,
      task: { started_monotonic: monotonicMs() - performance.now() + started },
    },
    timeout_ms,
    isolate: declaration.isolate ?? false,
    // The task ends a slot that exceeds its share, before Slurm ends the whole task with all its slots.
    memory_bytes: spec.memory_bytes ?? (allocated === null ? null : Math.floor((0.9 * allocated) / slots)),
    spare_memory: spec.spare_memory ?? false,
    memory_escalations: spec.escalated?.memory ?? 0,
    objective: declaration.objective,
    cwd,
    env: await taskRunEnvironment(start.env, experiment, submission, declaration.env),
    pool: {
      runner,
      idleMs: IDLE_MS,
      provenance: {
        executor: 'slurm',
        metalab,
        environment,
        job: `${job}_${task}`,
        task,
        // `node` is the version of Node, as in every record.
        slurm_node: node,
        ...(partition === null ? {} : { partition }),
      },
    },
  };
}

/** `{experiment}/submissions/{id}/arrays/{token}`. */
const experimentOf = (array: string) => dirname(dirname(dirname(dirname(array))));

function faultOf(error: unknown): TaskFault {
  if (error instanceof MetalabError) return { code: 'FILES', message: error.message };
  return { code: 'TASK', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function howOf({ fault, left }: Work, { reason }: StopWatch): TaskEnd['how'] {
  if (fault) return 'fault';
  if (reason === 'cancel') return 'cancel';
  return left.length === 0 ? 'done' : (reason ?? 'budget');
}
