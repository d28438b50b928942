import { dirname, join } from 'node:path';
import type { ExperimentDeclaration } from '../../../definition/declaration.js';
import { MetalabError } from '../../../definition/errors.js';
import { countPositions } from '../../../definition/position-range.js';
import { monotonicMs } from '../../../runner/protocol/note.js';
import { writeAtomically } from '../../../storage/file/atomic-write.js';
import { declarationFile } from '../../../storage/file/layout.js';
import { listNames } from '../../../storage/file/list-names.js';
import { makeFolder } from '../../../storage/file/make-folder.js';
import { readSubmissionJson } from '../../../storage/file/submission-file.js';
import { arraySpecFile, segmentPrefix, taskEndFile, taskLiveFile } from './array-files.js';
import type { ArraySpec, TaskEnd, TaskFault } from './array-spec.js';
import { findContextFiles, resolvePlaces } from './context-files.js';
import { FreeRanges } from './free-ranges.js';
import { LiveFile } from './live-file.js';
import { heldBefore } from './recorded.js';
import { taskRunEnvironment } from './run-environment.js';
import { StopWatch } from './stop-watch.js';
import { TaskBoard } from './task-board.js';
import { TaskExecution, type TaskPlace } from './task-execution.js';
import type { TaskIdentity } from './task-identity.js';
import { WorkQueue } from './work-queue.js';

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

/** Does what a task can take of its array, and writes a report of how that ended. */
export async function runTask(start: TaskStart): Promise<TaskEnd> {
  const { array, identity } = start;
  const board = new TaskBoard(identity, start.started);
  const watch = new StopWatch(array, identity.ends_at);
  const work = await takeAndDo(start, board, watch);
  const { isDone, ...report } = work;
  const end: TaskEnd = { ...board.live(), slots: [], how: howOf(work, board, watch), ...report };
  try {
    await writeAtomically(taskEndFile(array, identity.task, identity.restart), `${JSON.stringify(end)}\n`);
  } finally {
    // Not before: the next SIGTERM would end the task without its report.
    watch.close();
  }
  return end;
}

interface Work extends Pick<TaskEnd, 'fault' | 'cut'> {
  /** Whether nothing was left to take. */
  readonly isDone: boolean;
}

async function takeAndDo(start: TaskStart, board: TaskBoard, watch: StopWatch): Promise<Work> {
  const { array, identity } = start;
  let live: LiveFile | undefined;
  try {
    const spec = await readSubmissionJson<ArraySpec>(arraySpecFile(array));
    const experiment = experimentOf(array);
    const held = await heldBefore(experiment, array, spec, identity);
    board.begin(() => held);
    const liveFile = new LiveFile(taskLiveFile(array, identity.task), () => board.live());
    live = liveFile;
    const positions = countPositions(spec.ranges);
    const free = new FreeRanges(array, identity.task, { positions, tasks: spec.tasks });
    if (held.length === 0 && (await free.list()).length === 0) return { fault: null, cut: [], isDone: true };
    const place = await placeOf(start, spec, experiment);
    const queue = new WorkQueue({
      spec,
      free,
      held,
      deadline: spec.budget_ms === null ? Number.POSITIVE_INFINITY : start.started + spec.budget_ms,
      allBegun: async () => (await listNames(dirname(taskLiveFile(array, 0)))).length >= spec.tasks,
      onChange: () => liveFile.write(),
    });
    board.begin(() => queue.holds);
    const execution = new TaskExecution(place, queue, { board, watch });
    await execution.run();
    const cut = execution.cut.map(({ position, attempt, started_at, duration_ms }) => {
      return { position, attempt, started_at, elapsed_ms: Math.round(duration_ms) };
    });
    const fault = execution.fault ?? (queue.error === undefined ? null : faultOf(queue.error));
    return { fault, cut, isDone: queue.isDone };
  } catch (error) {
    return { fault: faultOf(error), cut: [], isDone: false };
  } finally {
    await live?.close();
  }
}

/** Where and how the task's runs are executed on this node. */
async function placeOf(start: TaskStart, spec: ArraySpec, experiment: string): Promise<TaskPlace> {
  const { identity, runner, started } = start;
  const { submission, environment, slots, timeout_ms, metalab } = spec;
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

function howOf({ fault, isDone }: Work, board: TaskBoard, { reason }: StopWatch): TaskEnd['how'] {
  if (fault) return 'fault';
  if (reason === 'cancel') return 'cancel';
  return isDone && board.live().holds?.length === 0 ? 'done' : (reason ?? 'budget');
}
