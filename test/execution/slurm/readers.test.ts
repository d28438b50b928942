import { describe, expect, test } from 'vitest';
import { CollectReader } from '../../../src/execution/slurm/collect/collect-script.js';
import { parseSubmitAnswer } from '../../../src/execution/slurm/job/submit-script.js';
import { parseSacct } from '../../../src/execution/slurm/queue/sacct.js';
import { countJobs, parseSqueue } from '../../../src/execution/slurm/queue/squeue.js';
import { isConclusive, meaningOf } from '../../../src/execution/slurm/queue/states.js';
import { eachTaskId, parseJobTasks, parseTaskIds } from '../../../src/execution/slurm/queue/task-ids.js';
import { limitsOf } from '../../../src/execution/slurm/submit/limits/limits.js';
import { parseSlurmTime } from '../../../src/execution/slurm/submit/limits/parse-limits.js';

const fields = (...values: string[]) => values.join('\u001f');

describe('what Slurm prints is read', () => {
  test('tasks by their ranges, with steps and a limit; a list that was cut short is none', () => {
    expect([...eachTaskId(parseTaskIds('[0-2,7,10-14:2%4]')!)]).toEqual([0, 1, 2, 7, 10, 12, 14]);
    expect([...eachTaskId(parseTaskIds('7')!)]).toEqual([7]);
    for (const text of ['N/A', '[0-3,...]', '']) expect(parseTaskIds(text)).toBeUndefined();
  });

  test("squeue's lines, in which tasks that wait stand together and each counts", () => {
    const entries = parseSqueue(
      `\u001e${[
        fields('1', '3-9%3', 'PENDING', 'JobArrayTaskLimit', '', '(null)', 'metalab-abc'),
        fields('1', '2', 'RUNNING', 'None', 'n2', '(null)', 'metalab-abc'),
        fields('2', 'N/A', 'CANCELLED', 'JobHeldAdmin', '', 'a comment', 'a\u001fstrange\n\nname'),
        fields('3', 'N/A', 'RUNNING', 'None', 'n1', '', ''),
      ].join('\n\u001e')}\n`,
    )!;
    expect(entries.map(({ job, state, reason, name }) => [job, state, reason, name])).toEqual([
      ['1', 'PENDING', 'JobArrayTaskLimit', 'metalab-abc'],
      ['1', 'RUNNING', '', 'metalab-abc'],
      ['2', 'CANCELLED', 'JobHeldAdmin', 'a\u001fstrange\n\nname'],
      ['3', 'RUNNING', '', ''],
    ]);
    expect(entries.map(countJobs)).toEqual([7, 1, 1, 1]);
    expect(parseSqueue('slurm_load_jobs error: Unable to contact slurm controller')).toBeUndefined();
  });

  test("sacct's rows: incarnations in order, steps' memory, tasks that never began together", () => {
    const output = [
      fields('1_0', 'NODE_FAIL', '0:0', '4', 'n1', '2026-01-02T03:04:05', ''),
      fields('1_0', 'OUT_OF_MEMORY', '0:125', '6', 'n2', 'Unknown', ''),
      fields('1_0.batch', 'OUT_OF_MEMORY', '0:125', '6', 'n2', 'Unknown', '1.50G'),
      fields('1_[3-4]', 'CANCELLED by 0', '0:0', '0', 'None assigned', 'Unknown', ''),
      fields('7', 'COMPLETED', '0:0', '1', 'n1', 'Unknown', ''),
    ].join('\n');
    expect(parseSacct(output)).toMatchObject([
      { task: 0, state: 'NODE_FAIL', nodes: 'n1', maxRssBytes: 0, endedAt: Date.UTC(2026, 0, 2, 3, 4, 5) },
      { task: 0, state: 'OUT_OF_MEMORY', elapsedMs: 6000, maxRssBytes: 1.5 * 1024 ** 3 },
      { task: 3, state: 'CANCELLED by 0', nodes: '' },
      { task: 4 },
    ]);
  });

  test('an unknown state decides nothing', () => {
    expect(meaningOf('CANCELLED by 1000')).toBe('cancelled');
    expect(meaningOf('OUT_OF_MEMORY')).toBe('memory');
    for (const state of ['QUANTUM_LEAP', '', 'RUNNING', 'COMPLETING', 'REQUEUED', 'PENDING'])
      expect(isConclusive(meaningOf(state))).toBe(false);
  });

  test('the controller lists all tasks of an array, or none', () => {
    const lines =
      'JobId=25 ArrayJobId=25 ArrayTaskId=4-6 JobName=a\nJobId=29 ArrayJobId=25 ArrayTaskId=3 JobName=a\n';
    expect(parseJobTasks(lines, '25')?.flatMap((ids) => [...eachTaskId(ids)])).toEqual([4, 5, 6, 3]);
    expect(parseJobTasks('', '25')).toBeUndefined();
    expect(parseJobTasks('JobId=25 JobName=a\n', '25')).toBeUndefined();
  });

  test('durations', () => {
    const times = ['30', '01:30', '2:30:00', '1-02:30:00', 'UNLIMITED', 'NONE'].map(parseSlurmTime);
    expect(times).toEqual([1800, 90, 9000, 95_400, undefined, undefined]);
  });
});

describe("a cluster's limits", () => {
  const output = (enforce: string) =>
    [
      'MaxArraySize            = 1001',
      'MaxJobCount             = 10000',
      `AccountingStorageEnforce = ${enforce}`,
      'AccountingStorageType   = accounting_storage/slurmdbd',
      '@partition',
      'PartitionName=main QoS=part DefaultTime=01:00:00 MaxTime=2-00:00:00 State=UP',
      '@cpus',
      '3/61/64/128',
      '@associations',
      'Account|Partition|MaxSubmit|GrpSubmit|QOS|Def QOS',
      'lab||500||normal,long|normal',
      'other||2||normal|',
      '@accounts',
      'Account|ParentName|GrpSubmit',
      'root||',
      'lab|root|400',
      '@qos',
      'Name|MaxSubmitPU|MaxSubmitPA|GrpSubmit',
      'normal|36||',
      'long|5||',
      'part|50||',
      '@end',
      '',
    ].join('\n');

  test('are the least of association, account, QOS and partition, where they are enforced', () => {
    const limits = limitsOf(output('associations,limits,qos'), { account: 'lab' });
    expect(limits).toEqual({
      array_tasks: 1001,
      submit: 36,
      default_time_s: 3600,
      max_time_s: 172_800,
      cpus: 64,
      accounting: true,
    });
    expect(limitsOf(output('associations,limits,qos'), { account: 'lab', qos: 'long' }).submit).toBe(5);
    expect(limitsOf(output('none'), { account: 'lab' }).submit).toBe(10_000);
    const scheduler = 'SchedulerParameters = bf_continue,max_array_tasks=300,bf_window=60';
    expect(limitsOf(`${scheduler}\n${output('none')}`, {}).array_tasks).toBe(300);
  });
});

describe("the submitting script's answer", () => {
  test('is a job, or why there is none; anything else is no answer', () => {
    expect(parseSubmitAnswer('job 123\n')).toEqual({ kind: 'job', job: '123' });
    expect(parseSubmitAnswer('taken 7 unknown n1 123 456\n')).toEqual({
      kind: 'taken',
      ageMs: 7000,
      alive: 'unknown',
      whose: 'n1 123 456',
    });
    expect(parseSubmitAnswer('refused\nsbatch: error: no\n')).toEqual({
      kind: 'refused',
      message: 'sbatch: error: no',
    });
    for (const text of ['', 'job \n', 'Welcome to the cluster!\njob 1'])
      expect(parseSubmitAnswer(text)).toBeUndefined();
  });
});

describe('what a round trip brings', () => {
  test('is taken apart however it is cut, bytes that look like its own lines too', async () => {
    const segment = Buffer.from('{"a":1}\n@bytes 0 5 x\n@end\n');
    const answer = Buffer.concat([
      Buffer.from('@ended /a\n{"task":1}\n{"torn\n@live /a\n{"task":2}\n@bytes 10 '),
      Buffer.from(`${segment.length} s1/w.ndjson\n`),
      segment,
      Buffer.from('\n@whole 10 s1/w.ndjson\n@bytes 0 1 s1/v.ndjson\nx\n@whole 0 s1/v.ndjson\n@end\n'),
    ]);
    for (const size of [1, 7, answer.length]) {
      const seen: unknown[] = [];
      const bytes = new Map<string, Buffer>();
      const reader = new CollectReader({
        onEnded: (array, end) => seen.push([array, 'ended', end.task]),
        onLive: (array, live) => seen.push([array, 'live', live.task]),
        onBytes: async (name, offset, piece) => {
          const before = bytes.get(name) ?? Buffer.alloc(0);
          if (name === 's1/w.ndjson') expect(offset).toBe(10 + before.length);
          bytes.set(name, Buffer.concat([before, piece]));
        },
      });
      for (let at = 0; at < answer.length; at += size) await reader.add(answer.subarray(at, at + size));
      expect(reader.ended).toBe(true);
      expect(seen).toEqual([
        ['/a', 'ended', 1],
        ['/a', 'live', 2],
      ]);
      expect(bytes.get('s1/w.ndjson')).toEqual(segment);
      expect(String(bytes.get('s1/v.ndjson'))).toBe('x');
    }
  });

  test('is not taken where a segment was cut short, and other lines came in the place of its bytes', async () => {
    const taken: string[] = [];
    const listener = {
      onEnded: () => {},
      onLive: () => {},
      onBytes: async (name: string) => void taken.push(name),
    };
    const next = '\n@whole 0 a.ndjson\n@bytes 0 40 b.ndjson\n';
    const answer = `@bytes 0 ${4 + next.length - 1} a.ndjson\nabcd${next}${'b'.repeat(40)}\n@whole 0 b.ndjson\n@end\n`;
    await expect(new CollectReader(listener).add(Buffer.from(answer))).rejects.toThrow('a.ndjson');
    expect(taken).toEqual([]);
  });
});
