import { describe, expect, test } from 'vitest';
import { deal, type PackingInput, pack } from '../../../src/execution/slurm/submit/packing.js';

const INPUT: PackingInput = {
  limits: {
    array_tasks: 1001,
    submit: Number.POSITIVE_INFINITY,
    default_time_s: 3600,
    max_time_s: null,
    cpus: 64,
    accounting: true,
  },
  slots: 1,
  cpus: 1,
  time_s: 3600,
  mean_ms: null,
  piloted: false,
};
const limited = (submit: number): PackingInput => ({ ...INPUT, limits: { ...INPUT.limits, submit } });

describe('packing runs into tasks', () => {
  test('as long as nothing is known, half of the runs find out in at most 32 tasks', () => {
    expect(deal(2000, INPUT)).toEqual({ at_once: 1, most: 1000 });
    expect(pack(1000, INPUT)).toEqual({ per_task: 32, tasks: 32, pilot: true });
  });

  test('few runs are a task each, and all at once', () => {
    expect(deal(20, INPUT)).toEqual({ at_once: 1, most: 20 });
    expect(pack(20, INPUT)).toEqual({ per_task: 1, tasks: 20, pilot: false });
  });

  test('runs that proved to be long are a task each', () => {
    expect(pack(968, { ...INPUT, piloted: true })).toMatchObject({ per_task: 1, tasks: 968 });
  });

  test('short runs fill tasks of minutes, while every place has some', () => {
    const known = { ...INPUT, mean_ms: 1 };
    expect(pack(100_000, known).tasks).toBeLessThanOrEqual(64);
    const { per_task, tasks } = pack(1_000_000, { ...INPUT, mean_ms: 100 });
    expect(per_task * 100).toBeGreaterThan(60_000);
    expect(per_task * 100).toBeLessThan(600_000);
    expect(tasks).toBeGreaterThan(3 * 64);
  });

  test('a task is planned to take half of its time limit at most', () => {
    expect(pack(30_000, { ...INPUT, mean_ms: 1000, time_s: 60 }).per_task).toBeLessThanOrEqual(30);
  });

  test('all places come to the end together', () => {
    const four = { ...INPUT, mean_ms: 1_000, limits: { ...INPUT.limits, cpus: 4 } };
    expect(pack(50, four)).toMatchObject({ tasks: 8, per_task: 7 });
    expect(pack(40, four)).toMatchObject({ tasks: 4, per_task: 10 });
  });

  test('chunk_size fixes it', () => {
    expect(pack(100, { ...INPUT, chunk_size: 7 })).toEqual({ per_task: 7, tasks: 15, pilot: false });
    expect(deal(100_000, { ...INPUT, chunk_size: 7 }).most).toBe(7 * 1001);
  });

  test('no array has more tasks than the cluster takes, and those in flight fit the submit limit together', () => {
    for (const mean_ms of [null, 1, 60_000]) {
      const input = { ...limited(36), mean_ms, piloted: true };
      const { at_once, most } = deal(100_000, input);
      const { tasks, per_task } = pack(Math.min(100_000, most), input);
      expect(tasks).toBeLessThanOrEqual(12);
      expect(tasks * at_once).toBeLessThanOrEqual(36);
      expect(tasks * per_task).toBeGreaterThanOrEqual(Math.min(100_000, most));
    }
    expect(pack(5, limited(1)).tasks).toBe(1);
  });
});
