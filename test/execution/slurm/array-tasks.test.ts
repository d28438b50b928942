import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunStatus } from '../../../src/definition/record.js';
import { ArrayTasks } from '../../../src/execution/slurm/array/array-tasks.js';
import { classifyFailure, type TaskEvidence } from '../../../src/execution/slurm/array/classify-failure.js';
import { RecordedCells } from '../../../src/execution/slurm/array/recorded-cells.js';
import type { Meaning } from '../../../src/execution/slurm/queue/states.js';
import type { JobView } from '../../../src/execution/slurm/queue/watched-job.js';
import type { TaskEnd, TaskLive, TaskRun } from '../../../src/execution/slurm/task/array-spec.js';
import { segmentsFolder } from '../../../src/storage/file/layout.js';
import { recordOf } from '../../support/records.js';

const LIMITS = {
  slots: 1,
  time_s: 3600,
  memory_bytes: 2 ** 30,
  escalate: undefined,
  escalated: { memory: 0, time: 0 },
};

let folder: string;
let recorded: RecordedCells;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'metalab-array-tasks-'));
  recorded = new RecordedCells(folder, 's1');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Records of cells, as they are once collected. */
async function record(statuses: { readonly [cell: number]: RunStatus }): Promise<void> {
  const path = segmentsFolder(folder, 's1');
  mkdirSync(path, { recursive: true });
  const lines = Object.entries(statuses).map(([cell, status]) =>
    JSON.stringify(recordOf({ index: Number(cell), status })),
  );
  writeFileSync(join(path, 't.0.host-1-aa.ndjson'), `${lines.join('\n')}\n`);
  await recorded.scan();
}

const runOf = (position: number): TaskRun => ({
  position,
  attempt: 1,
  started_at: '2026-01-01T00:00:00.000Z',
  elapsed_ms: 50_000,
});

function liveOf(restart: number, positions: readonly number[], more: Partial<TaskLive> = {}): TaskLive {
  return {
    task: 0,
    restart,
    updated_at: '2026-01-01T00:00:00.000Z',
    started_at: '2026-01-01T00:00:00.000Z',
    elapsed_ms: 60_000,
    job: '7',
    job_id: '7',
    node: 'n1',
    partition: null,
    slots: positions.map(runOf),
    holds: [{ from: 0, to: 10 }],
    success: 0,
    failed: 0,
    cancelled: 0,
    busy_ms: 0,
    means: {},
    peak_rss_bytes: 0,
    ...more,
  };
}

const endOf = (restart: number, cut: readonly number[]): TaskEnd =>
  ({
    ...liveOf(restart, []),
    how: 'signal',
    fault: null,
    cut: cut.map(runOf),
  }) as TaskEnd;

const viewOf = (meaning: Meaning): JobView => ({
  tasks: new Map([[0, { meaning, state: meaning, reason: '', nodes: 'n1', accounted: undefined }]]),
});

/** Positions 100 to 109 of the plan, which are cells 0 to 9. */
function arrayOf(): ArrayTasks {
  const ranges = [{ from: 100, to: 110 }];
  const cells = Uint32Array.from(Array(10).keys());
  return new ArrayTasks({ ranges, tasks: 1, slots: 1 }, cells, recorded, { ranges, cells });
}

const evidenceOf = (tasks: ArrayTasks, view: JobView): TaskEvidence => [...tasks.evidence(view)][0]!.evidence;
/** Those that may have taken the memory: not known to have, so tried alone. */
const suspectsOf = (evidence: TaskEvidence) => classifyFailure(evidence, LIMITS).alone;

test('what a requeued task was cut off from is not held against it when its next incarnation dies', async () => {
  const tasks = arrayOf();
  tasks.noteEnd(endOf(0, [103, 106]));
  tasks.noteLive(liveOf(1, [109]));
  const view = viewOf('memory');
  expect(tasks.isOver(view)).toBe(true);
  expect(tasks.hasUnreported()).toBe(true);
  expect(suspectsOf(evidenceOf(tasks, view))).toEqual([109]);
});

test('a run that was recorded after the last status of its task gets no second record', async () => {
  const tasks = arrayOf();
  tasks.noteLive(liveOf(0, [103, 106]));
  await record({ 0: 'success', 3: 'success' });
  expect(suspectsOf(evidenceOf(tasks, viewOf('memory')))).toEqual([106]);
});

test('what a task of an older version left is not examined, and is left for the next batch', async () => {
  const tasks = arrayOf();
  const { holds: _, ...older } = liveOf(0, [103], { success: 2 });
  tasks.noteLive(older);
  await record({ 0: 'success', 1: 'success' });
  const view = viewOf('memory');
  expect(tasks.isOver(view) && tasks.isComplete()).toBe(true);
  expect(classifyFailure(evidenceOf(tasks, view), LIMITS)).toEqual({ lost: [] });
  expect(tasks.left()).toEqual([{ from: 102, to: 110 }]);
});

test('an array is done once every position is recorded and reported, whatever its tasks do', async () => {
  const tasks = arrayOf();
  const all = Object.fromEntries(Array.from({ length: 10 }, (_, cell) => [cell, 'success' as const]));
  tasks.noteLive(liveOf(0, [], { success: 10, holds: [] }));
  expect(tasks.isDone()).toBe(false);
  await record(all);
  expect(tasks.isDone()).toBe(true);
  expect(tasks.isOver(viewOf('running'))).toBe(false);
});
