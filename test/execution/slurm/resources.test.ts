import { expect, test } from 'vitest';
import type { ClusterLimits } from '../../../src/execution/slurm/submit/limits/limits.js';
import { taskResources } from '../../../src/execution/slurm/submit/resources.js';

const EXECUTOR = { modules: [], setup: [], extra_sbatch: [] };
const LIMITS: ClusterLimits = {
  array_tasks: 1001,
  submit: Number.POSITIVE_INFINITY,
  default_time_s: null,
  max_time_s: null,
  cpus: 64,
  accounting: true,
};
const shares = (cpus: number | undefined, slots: number | null) => {
  const made = taskResources(
    { ...EXECUTOR, ...(cpus === undefined ? {} : { cpus }) },
    undefined,
    { slots, memory_bytes: 2 ** 30 },
    LIMITS,
    { escalated: { memory: 0, time: 0 } },
  );
  return { cpus: made.cpus, slots: made.slots, gib: Math.floor((made.memory_bytes ?? 0) / 2 ** 30) };
};

test('a time beyond what the cluster allows is cut, and the requested time is kept for messages', () => {
  const resources = (time_s: number) =>
    taskResources(
      { ...EXECUTOR, time_s },
      undefined,
      { slots: 1, memory_bytes: null },
      { ...LIMITS, max_time_s: 3600 },
      { escalated: { memory: 0, time: 0 } },
    );
  expect(resources(7200)).toMatchObject({ time_s: 3600, limit_s: 3600, cut_from_s: 7200 });
  expect(resources(3600)).not.toHaveProperty('cut_from_s');
});

test('a task has a slot for each of its cpus, and a cpu for each of its slots', () => {
  expect(shares(undefined, null)).toEqual({ cpus: 1, slots: 1, gib: 1 });
  expect(shares(4, null)).toEqual({ cpus: 4, slots: 4, gib: 4 });
  expect(shares(undefined, 8)).toEqual({ cpus: 8, slots: 8, gib: 8 });
  expect(shares(2, 8)).toEqual({ cpus: 8, slots: 8, gib: 8 });
});

test('fewer slots than cpus leave each run several', () => {
  expect(shares(4, 1)).toEqual({ cpus: 4, slots: 1, gib: 1 });
});
