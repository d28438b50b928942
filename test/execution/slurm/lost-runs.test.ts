import { afterEach, describe, expect, test } from 'vitest';
import { body } from '../local/sweep.js';
import { PATIENCE, useClusterSweeps } from './cluster-sweep.js';

const { rig, sweepOf, accounted } = await useClusterSweeps();
afterEach(async () => {
  for (const node of rig.nodes) await rig.resumeNode(node);
});

const ESCALATE = { memory: 2, time: 2, max: 2 };
const sleep = (ms: number) => `await new Promise((resolve) => setTimeout(resolve, ${ms}));`;
const operation = (text: string) => body(text, { async: true });
const ONCE = `if (!fs.existsSync('begun')) { fs.writeFileSync('begun', ''); ${sleep(600_000)} }`;

describe('a time limit that ends a task', () => {
  test('grows where it may', async () => {
    const sweep = sweepOf({
      code: operation(ONCE),
      cases: 1,
      config: { time_s: 300, escalate: ESCALATE },
    });
    const began = Date.now();
    const running = sweep.execute();
    // The limit is the run's own only where the run had four fifths of its task's time: a busy machine starts slowly.
    await expect
      .poll(() => {
        const started = Date.parse(sweep.last?.runs[0]?.started_at ?? '');
        return Date.now() - started > 5 * (started - began);
      }, PATIENCE)
      .toBe(true);
    await rig.endTimeOf(`${sweep.last?.job}_0`);
    expect(await running).toMatchObject({ success: 1, failed: 0, left: [] });
    await expect.poll(() => accounted(sweep, 'Timelimit'), PATIENCE).toContain('00:10:00');
  });

  test('does not fail a run that started late, only one that had the whole time', async () => {
    const code = operation(`if (params.x === 0) { ${sleep(6_000)} } else { ${sleep(600_000)} }`);
    const sweep = sweepOf({ code, cases: 2, config: { chunk_size: 2 } });
    const first = sweep.execute();
    await expect.poll(() => sweep.last?.runs[0]?.position, PATIENCE).toBe(1);
    await rig.endTimeOf(`${sweep.last?.job}_0`);
    const report = await first;
    expect(report).toMatchObject({ success: 1, failed: 0, left: [{ from: 1, to: 2 }] });
  });
});

describe('a task that is taken away', () => {
  const UNTIL = `fs.appendFileSync('nodes', process.env.SLURMD_NODENAME + '\\n'); while (!fs.existsSync('go-' + params.x)) ${sleep(100)}`;

  test("by its node's failure is executed on another, and a node that fails twice is excluded", {
    timeout: 360_000,
  }, async () => {
    const sweep = sweepOf({ code: operation(UNTIL), cases: 3, config: { extra_sbatch: ['--no-requeue'] } });
    const only = (x: number) => ({ token: `${x}`.repeat(16), ranges: [{ from: x, to: x + 1 }] });
    for (const x of [0, 1]) {
      const running = sweep.execute(only(x));
      await expect.poll(() => sweep.worked('nodes').length, PATIENCE).toBe(2 * x + 1);
      expect(sweep.worked('nodes').at(-1)).toBe('n1');
      // A node that is only down takes itself back at once.
      await rig.drainNode('n1');
      await rig.setNodeDown('n1');
      await expect.poll(() => sweep.worked('nodes').length, PATIENCE).toBe(2 * x + 2);
      expect(sweep.worked('nodes').at(-1)).toBe('n2');
      await rig.resumeNode('n1');
      sweep.work(`go-${x}`);
      expect(await running).toMatchObject({ success: 1, left: [] });
    }
    sweep.work('go-2');
    expect(await sweep.execute(only(2))).toMatchObject({ success: 1 });
    expect(sweep.last?.excluded).toEqual(['n1']);
    expect(await rig.control(['show', 'job', sweep.last!.job!])).toContain('ExcNodeList=n1');
    expect(sweep.worked('nodes').at(-1)).toBe('n2');
  });

  test('by preemption is executed again later', async () => {
    const sweep = sweepOf({
      code: operation(`fs.appendFileSync('nodes', 'x\\n'); ${ONCE}`),
      cases: 1,
      config: { partition: 'spare', extra_sbatch: ['--no-requeue'] },
    });
    const running = sweep.execute();
    await expect.poll(() => sweep.last?.runs.length, PATIENCE).toBe(1);
    await rig.submit('sleep 2', ['--nodes=2', '--exclusive', '--partition=main']);
    expect(await running).toMatchObject({ success: 1, failed: 0, left: [] });
    expect(sweep.worked('nodes')).toHaveLength(2);
    await expect.poll(() => accounted(sweep, 'State'), PATIENCE).toEqual(['PREEMPTED', 'COMPLETED']);
  });
});
