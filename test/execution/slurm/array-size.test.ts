import { describe, expect, test } from 'vitest';
import {
  type ArraySizeInput,
  batchLimits,
  countTasks,
} from '../../../src/execution/slurm/submit/array-size.js';

const INPUT: ArraySizeInput = {
  limits: {
    array_tasks: 10_001,
    submit: Number.POSITIVE_INFINITY,
    default_time_s: 3600,
    max_time_s: null,
    cpus: 64,
    accounting: true,
  },
  config: {},
  resources: { slots: 1, cpus: 1, limit_s: 3600 },
  mean_ms: null,
};
const onCpus = (cpus: number) => ({ ...INPUT, limits: { ...INPUT.limits, cpus } });
const withSlots = (slots: number) => ({ ...INPUT, resources: { slots, cpus: slots, limit_s: 3600 } });
const limited = (submit: number) => ({ ...INPUT, limits: { ...INPUT.limits, submit } });

describe('an array', () => {
  test('has a few tasks for each place that the cluster has, and one batch does the whole sweep', () => {
    expect(countTasks(100_000, INPUT)).toBe(192);
    expect(countTasks(100_000, { ...INPUT, config: { max_concurrent: 4 } })).toBe(12);
    expect(countTasks(100_000, withSlots(8))).toBe(24);
    expect(batchLimits(INPUT).most).toBe(1_000_000);
  });

  test('has no more tasks than runs for their slots', () => {
    expect(countTasks(20, INPUT)).toBe(20);
    expect(countTasks(20, withSlots(4))).toBe(5);
    expect(countTasks(0, INPUT)).toBe(0);
  });

  test('of a million runs on a large cluster has a thousand tasks, or as many as the user allows', () => {
    expect(countTasks(1_000_000, onCpus(50_000))).toBe(1_000);
    expect(countTasks(1_000_000, { ...onCpus(50_000), config: { max_array_size: 5_000 } })).toBe(5_000);
  });

  test('has fewer tasks where runs are known to be short, and enough where their time limit is', () => {
    expect(countTasks(1_000_000, { ...onCpus(50_000), mean_ms: 0.1 })).toBe(10);
    expect(
      countTasks(30_000, { ...INPUT, mean_ms: 1_000, resources: { slots: 1, cpus: 1, limit_s: 60 } }),
    ).toBe(1_000);
    expect(countTasks(3_000, { ...INPUT, mean_ms: 1_000 })).toBe(192);
  });

  test('has as many tasks as chunk_size says', () => {
    expect(countTasks(100, { ...INPUT, config: { chunk_size: 7 } })).toBe(15);
    expect(batchLimits({ ...INPUT, config: { chunk_size: 7 } }).most).toBe(7 * 10_001);
  });

  test('has no more tasks than the cluster takes, and those in progress fit the submit limit together', () => {
    for (const mean_ms of [null, 1, 60_000]) {
      const input = { ...limited(36), mean_ms };
      const tasks = countTasks(100_000, input);
      expect(tasks).toBeLessThanOrEqual(12);
      expect(tasks * batchLimits(input).at_once).toBeLessThanOrEqual(36);
    }
    expect(countTasks(5, limited(1))).toBe(1);
  });
});
