import { describe, expect, test } from 'vitest';
import { parseSqueue } from '../../../src/execution/slurm/queue/squeue.js';
import { WatchedJob } from '../../../src/execution/slurm/queue/watched-job.js';

const squeue = (...lines: (readonly [tasks: string, state: string, reason: string])[]) =>
  parseSqueue(
    lines
      .map(
        ([tasks, state, reason]) =>
          `\u001e${['7', tasks, state, reason, 'n1', '', 'metalab-a'].join('\u001f')}\n`,
      )
      .join(''),
  )!;
const meanings = ({ tasks }: WatchedJob) => [0, 1, 2].map((task) => tasks.get(task)?.meaning);

describe('an array whose waiting tasks were cancelled, which squeue shows as one entry without a list', () => {
  test('keeps how tasks ended that squeue no longer shows', () => {
    const job = new WatchedJob(3, new Set());
    job.noteQueue(squeue(['0', 'TIMEOUT', 'TimeLimit'], ['1-2', 'PENDING', 'Resources']), 0);
    job.noteQueue(squeue(['N/A', 'CANCELLED', 'None']), 1_000);
    expect(meanings(job)).toEqual(['timeout', 'cancelled', 'cancelled']);
  });

  test('takes tasks that were last seen at work, and are no longer shown, for cancelled', () => {
    const job = new WatchedJob(3, new Set());
    job.noteQueue(squeue(['0', 'RUNNING', 'None'], ['1-2', 'PENDING', 'Resources']), 0);
    job.noteQueue(squeue(['1', 'COMPLETED', 'None'], ['N/A', 'CANCELLED', 'None']), 1_000);
    expect(meanings(job)).toEqual(['cancelled', 'ended', 'cancelled']);
  });
});
