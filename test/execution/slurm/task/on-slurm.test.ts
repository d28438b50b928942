import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type BatchScriptOptions, batchScript } from '../../../../src/execution/slurm/task/batch-script.js';
import { EXIT } from '../../../../src/execution/slurm/task/exit-codes.js';
import { useRig } from '../../../rig/use-rig.js';
import { ROOT } from '../../../support/metalab.js';
import { body, type Sweep, useSweeps } from '../../local/sweep.js';
import { TestArray } from './array.js';

const taskOutputFile = (array: string, task: number | '%a') => join(array, `slurm-${task}.out`);

const rig = await useRig({ accounting: false });
let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});

const PATIENCE = { timeout: 240_000, interval: 200 };
const stateOf = async (job: string) =>
  (await rig.run(['scontrol', '-o', 'show', 'job', job])).stdout.match(/JobState=(\w+)/)?.[1];

/** Submits an array as the executor does. @returns its job id */
async function submit(array: TestArray, options: Partial<BatchScriptOptions> = {}): Promise<string> {
  const script = join(array.folder, 'batch.sh');
  const runtime = join(ROOT, 'dist');
  const full = { modules: [], setup: [], array: array.folder, runtime, node: process.execPath, ...options };
  writeFileSync(script, batchScript(full));
  const { stdout, stderr } = await rig.run([
    'sbatch',
    '--parsable',
    '--requeue',
    '--open-mode=append',
    '--mem=500',
    `--array=0-${array.spec.tasks - 1}`,
    `--output=${taskOutputFile(array.folder, '%a')}`,
    script,
  ]);
  expect(stderr).toBe('');
  return stdout.trim();
}

/** Runs of 0.1 s; the last takes as long as it may. */
const LONG = body('await new Promise((resolve) => setTimeout(resolve, params.x === 19 ? 60_000 : 100));', {
  async: true,
});

describe('tasks of a real Slurm', { timeout: 600_000 }, () => {
  test('take their positions, on several nodes', async () => {
    start({ code: body("capture.metric('x', params.x);"), cases: 20 });
    const array = new TestArray(sweep, { tasks: 5, chunk_size: 4 });
    const job = await submit(array);
    await expect.poll(() => [0, 1, 2, 3, 4].filter((task) => array.hasEnd(task)), PATIENCE).toHaveLength(5);
    expect(sweep.records().map(({ index }) => index)).toEqual(Array.from({ length: 20 }, (_, x) => x));
    expect(new Set(sweep.records().map(({ provenance }) => provenance.slurm_node))).toEqual(
      new Set(['n1', 'n2']),
    );
    expect(sweep.records()[7]!.provenance.job).toBe(`${job}_${sweep.records()[7]!.provenance.task}`);
    // A task prints them after it has noted its end.
    const successes = (task: number) =>
      Number(
        /metalab: done after .*? (\d+) success/.exec(
          readFileSync(taskOutputFile(array.folder, task), 'utf8'),
        )?.[1],
      );
    const all = () => [0, 1, 2, 3, 4].map(successes).reduce((sum, count) => sum + count);
    await expect.poll(all, PATIENCE).toBe(20);
  });

  test('that are requeued do the rest, and what was in progress again', async () => {
    start({ code: LONG.replace('60_000', "fs.existsSync('again') ? 100 : 60_000"), cases: 20 });
    const array = new TestArray(sweep);
    const job = await submit(array);
    await expect.poll(() => array.live()?.slots[0]?.position, PATIENCE).toBe(19);
    writeFileSync(join(sweep.folder, 'work', 'again'), '');
    await rig.control(['requeue', `${job}_0`]);
    await expect.poll(() => array.hasEnd(0, 1), PATIENCE).toBe(true);
    expect(array.end(0, 0)).toMatchObject({ how: 'signal', failed: 0, cut: [{ position: 19 }] });
    expect(array.end(0, 1)).toMatchObject({ how: 'done', success: 1 });
    expect(sweep.records().map(({ status }) => status)).toEqual(Array(20).fill('success'));
  });

  test('whose time is over cut their run, which has not failed', async () => {
    start({ code: LONG, cases: 20 });
    const array = new TestArray(sweep);
    const job = await submit(array);
    await expect.poll(() => array.live()?.slots[0]?.position, PATIENCE).toBe(19);
    await rig.endTimeOf(`${job}_0`);
    await expect.poll(() => array.hasEnd(0), PATIENCE).toBe(true);
    await expect.poll(() => stateOf(`${job}_0`), PATIENCE).toBe('TIMEOUT');
    expect(array.end()).toMatchObject({ success: 19, failed: 0, cut: [{ position: 19, attempt: 1 }] });
    expect(sweep.records()).toHaveLength(19);
  });

  test('that can not be set up say so where Slurm keeps their output, by an exit code of its own', async () => {
    start({ code: LONG, cases: 1 });
    const array = new TestArray(sweep);
    const job = await submit(array, { modules: ['gcc/99'] });
    await expect.poll(() => stateOf(`${job}_0`), PATIENCE).toBe('FAILED');
    const { stdout } = await rig.run(['scontrol', '-o', 'show', 'job', `${job}_0`]);
    expect(stdout).toContain(`ExitCode=${EXIT.setup}:0`);
    expect(readFileSync(taskOutputFile(array.folder, 0), 'utf8')).toContain(
      'metalab: the set-up of the task failed: module load gcc/99',
    );
    expect(array.hasEnd()).toBe(false);
  });
});
