import { describe, expect, test } from 'vitest';
import {
  classifyFailure,
  ofIncarnation,
  type TaskEvidence,
  type TaskLimits,
} from '../../../src/execution/slurm/array/classify-failure.js';
import { meaningOf } from '../../../src/execution/slurm/queue/states.js';
import type { TaskStatus } from '../../../src/execution/slurm/queue/watched-job.js';
import { addFailures, excludedNodes } from '../../../src/execution/slurm/spool/state-file.js';
import type { TaskEnd, TaskLive, TaskRun } from '../../../src/execution/slurm/task/array-spec.js';

const LIMITS: TaskLimits = {
  slots: 1,
  time_s: 600,
  memory_bytes: 2 ** 30,
  escalate: undefined,
  escalated: { memory: 0, time: 0 },
};
const GROWS: TaskLimits = { ...LIMITS, escalate: { memory: 2, time: 2, max: 2 } };

const run = (position: number, elapsed_ms: number): TaskRun => ({
  position,
  attempt: 1,
  started_at: '2026-01-01T00:00:00.000Z',
  elapsed_ms,
});

const live = (slots: TaskRun[], elapsed_ms = 100_000): TaskLive => ({
  task: 0,
  restart: 0,
  updated_at: '2026-01-01T00:01:40.000Z',
  started_at: '2026-01-01T00:00:00.000Z',
  elapsed_ms,
  job: '7',
  job_id: '8',
  node: 'n1',
  partition: null,
  slots,
  holds: [{ from: 0, to: 10 }],
  success: 0,
  failed: 0,
  cancelled: 0,
  busy_ms: 0,
  means: {},
  peak_rss_bytes: 3 * 2 ** 20,
});

const end = (how: TaskEnd['how'], cut: TaskRun[], fault: TaskEnd['fault'] = null): TaskEnd => ({
  ...live([]),
  how,
  fault,
  cut,
});

const status = (state: string, elapsedMs = 100_000): TaskStatus => ({
  meaning: meaningOf(state),
  state,
  reason: '',
  nodes: 'n1',
  accounted: {
    job: '7',
    task: 0,
    state,
    exitCode: '81:0',
    elapsedMs,
    nodes: 'n1',
    endedAt: 0,
    maxRssBytes: 2 * 2 ** 30,
  },
});

const evidence = (given: Partial<TaskEvidence>): TaskEvidence => ({
  status: undefined,
  end: undefined,
  live: undefined,
  missing: 10,
  first: [3],
  ...given,
});

const lostBy = (given: Partial<TaskEvidence>, limits = LIMITS) =>
  classifyFailure(evidence(given), limits).lost.map(({ run: { position } }) => position);

describe('what is requeued, and fails no run', () => {
  test.each(['COMPLETED', 'FAILED', 'CANCELLED by 0', 'REVOKED', 'DEADLINE', 'QUANTUM_LEAP'])(
    'the runs of a task that is %s',
    (state) => {
      expect(
        classifyFailure(evidence({ status: status(state), live: live([run(3, 99_000)]) }), LIMITS).lost,
      ).toEqual([]);
    },
  );

  test('those of a task of which nothing is known', () => {
    expect(classifyFailure(evidence({}), LIMITS)).toEqual({ lost: [] });
  });

  test.each(['NODE_FAIL', 'BOOT_FAIL', 'LAUNCH_FAILED'])('at %s the node is noted', (state) => {
    expect(
      classifyFailure(evidence({ status: status(state), live: live([run(3, 99_000)]) }), LIMITS),
    ).toEqual({
      lost: [],
      evicted: true,
      failedNode: 'n1',
    });
  });

  test('at PREEMPTED nothing is noted, though the task said that a signal came close to its limit', () => {
    const task = { status: status('PREEMPTED'), end: end('time', [run(3, 99_000)]) };
    expect(classifyFailure(evidence(task), LIMITS)).toEqual({ lost: [], evicted: true });
  });
});

describe('at a time limit', () => {
  const late = [run(3, 40_000)];
  const whole = [run(3, 98_000), run(7, 30_000)];

  test('a run that had the whole time is lost, whatever others did beside it', () => {
    const several = { ...LIMITS, slots: 2 };
    const beside = { ...live(whole), success: 20 };
    expect(lostBy({ status: status('TIMEOUT'), live: beside }, several)).toEqual([3]);
    expect(lostBy({ status: status('TIMEOUT'), end: end('time', whole) }, several)).toEqual([3]);
    expect(lostBy({ status: status('TIMEOUT'), live: live(late) }, several)).toEqual([]);
  });

  test('one that began after another of its slot is not, however soon', () => {
    const first = live([run(3, 99_900)]);
    expect(lostBy({ status: status('TIMEOUT'), live: first })).toEqual([3]);
    expect(lostBy({ status: status('TIMEOUT'), live: { ...first, success: 1 } })).toEqual([]);
  });

  test('an old status decides nothing', () => {
    const told = live([run(3, 98_000)]);
    expect(lostBy({ status: status('TIMEOUT', 3_600_000), live: told })).toEqual([]);
  });

  test('it grows instead, as often as it may', () => {
    const task = evidence({ status: status('TIMEOUT'), live: live(whole) });
    expect(classifyFailure(task, GROWS)).toEqual({ lost: [], grow: 'time' });
    const [lost] = classifyFailure(task, { ...GROWS, escalated: { memory: 0, time: 2 } }).lost;
    expect(lost?.error.message).toContain("job's time limit of 10 min, which had already grown 2 times");
    expect(classifyFailure(task, { ...GROWS, time_s: null }).lost).toHaveLength(1);
  });

  test('a task that never began is a fault of the place', () => {
    expect(classifyFailure(evidence({ status: status('TIMEOUT') }), LIMITS).fault?.message).toMatch(
      /ran into its time limit on node n1 before it could start runs/,
    );
  });
});

describe('out of memory', () => {
  const killed = { status: status('OUT_OF_MEMORY'), live: live([run(3, 9_000), run(6, 9_000)]) };

  test('those in progress are tried alone first', () => {
    expect(classifyFailure(evidence(killed), { ...GROWS, slots: 2 })).toEqual({ lost: [], alone: [3, 6] });
    const unseen = { ...killed, live: live([]), first: [3, 5] };
    expect(classifyFailure(evidence(unseen), { ...LIMITS, slots: 2 })).toEqual({ lost: [], alone: [3, 5] });
  });

  test('a run that was alone in its task is the one that failed, even if no status shows it', () => {
    const [lost] = classifyFailure(evidence({ ...killed, live: live([]), missing: 1 }), LIMITS).lost;
    expect(lost?.run.position).toBe(3);
    expect(lost?.error.message).toContain("job's memory of 1 GiB (MaxRSS 2 GiB)");
  });

  test('one slot’s run gets more where it may', () => {
    expect(classifyFailure(evidence(killed), GROWS)).toEqual({ lost: [], grow: 'memory' });
    expect(
      lostBy({ ...killed, live: live([run(3, 1)]), missing: 1 }, { ...GROWS, memory_bytes: null }),
    ).toEqual([3]);
  });

  test('a slot that its task ended is known', () => {
    const fault = { code: 'MEMORY', message: 'over its limit' };
    expect(lostBy({ end: end('fault', [run(4, 100)], fault) })).toEqual([4]);
    const shared = classifyFailure(evidence({ end: end('fault', [run(4, 100)], fault) }), {
      ...LIMITS,
      slots: 4,
    });
    expect(shared).toEqual({ lost: [], alone: [4] });
  });
});

test('what a task said before it was queued again is not the reason of what it dies of afterwards', () => {
  const said = { live: live([run(3, 98_000)]), end: end('signal', [run(3, 98_000)]), missing: 1 };
  for (const state of ['TIMEOUT', 'OUT_OF_MEMORY']) {
    const task = evidence({ ...said, status: status(state) });
    expect(classifyFailure(ofIncarnation(task, 0), LIMITS).lost).toHaveLength(1);
    expect(classifyFailure(ofIncarnation(task, 1), LIMITS)).toMatchObject({
      lost: [],
      fault: { code: 'TASK_NO_NODE' },
    });
  }
});

test('a task that could not start names its exit code, and the remedy depends on the cause', () => {
  expect(classifyFailure(evidence({ status: status('FAILED') }), LIMITS)).toEqual({
    lost: [],
    fault: { code: 'TASK_NO_NODE', message: expect.stringContaining('exit code 81 on node n1') },
    failedNode: 'n1',
  });
});

test('one failure of a node counts once, however many tasks report it; at the second the node is excluded', () => {
  const [one, other] = [
    { node: 'n1', began: 1_000, at: 9_000 },
    { node: 'n1', began: 2_000, at: 9_500 },
  ];
  const first = { node_failures: addFailures({ node_failures: {} }, [one, other]) };
  expect(excludedNodes(first)).toEqual([]);
  expect(addFailures(first, [one])).toEqual(first.node_failures);
  const later = [
    { node: 'n1', began: 10_000, at: 12_000 },
    { node: 'n2', began: 10_000, at: 12_000 },
  ];
  expect(excludedNodes({ node_failures: addFailures(first, later) })).toEqual(['n1']);
});
