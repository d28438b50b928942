import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createShellTransport } from '../../../src/transport/shell/shell-transport.js';
import { type OwnedRig, startRig } from '../../rig/start.mjs';
import { body } from '../local/sweep.js';
import { ClusterSweep, type ClusterSweepOptions } from './cluster-sweep.js';

let rig: OwnedRig;
const made: ClusterSweep[] = [];

beforeAll(async () => {
  rig = await startRig();
  vi.stubEnv('SLURM_CONF', rig.env.SLURM_CONF);
});
afterEach(async () => {
  for (const sweep of made.splice(0)) await sweep.remove();
  await rig.run(['scancel', '--user=root']);
  for (const node of rig.nodes) await rig.resumeNode(node);
});
afterAll(() => rig?.down());

function sweepOf(options: ClusterSweepOptions): ClusterSweep {
  const sweep = new ClusterSweep(createShellTransport(), options);
  made.push(sweep);
  return sweep;
}

/** Less than a test has: what was not seen is told. */
const PATIENCE = { timeout: 150_000, interval: 100 };
const MIB = 1024 ** 2;
const ESCALATE = { memory: 2, time: 2, max: 2 };
const sleep = (ms: number) => `await new Promise((resolve) => setTimeout(resolve, ${ms}));`;
const operation = (text: string) =>
  `import { execFileSync } from 'node:child_process';\n${body(text, { async: true })}`;
/** Memory that only Slurm sees, for as long as that needs to. */
const eats = (mebibytes: number) =>
  `execFileSync(process.execPath, ['-e', 'globalThis.b = Buffer.alloc(${mebibytes} * 2 ** 20, 1); setTimeout(() => {}, 3500)']);`;

const ONCE = `if (!fs.existsSync('begun')) { fs.writeFileSync('begun', ''); ${sleep(600_000)} }`;

/** What accounting says of the arrays that were submitted for a sweep, one after another. */
async function accounted(sweep: ClusterSweep, field: string): Promise<string[]> {
  const { stdout } = await rig.run([
    'sacct',
    '-X',
    '-n',
    '-P',
    `--name=${names(sweep)}`,
    `--format=JobID,${field}`,
  ]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.split('|')[1]!);
}

const names = (sweep: ClusterSweep) =>
  sweep
    .arrays()
    .map((token) => `metalab-${token}`)
    .join(',');

describe('memory that does not suffice', () => {
  test('grows where it may, and the lost run is done in the same batch', async () => {
    const sweep = sweepOf({
      code: operation(`if (params.x === 1) { ${eats(450)} }`),
      cases: 2,
      config: { chunk_size: 1, memory_bytes: 400 * MIB, escalate: ESCALATE },
    });
    expect(await sweep.execute()).toMatchObject({ success: 2, failed: 0, left: [] });
    await expect
      .poll(async () => new Set(await accounted(sweep, 'ReqMem')), PATIENCE)
      .toEqual(new Set(['400M', '800M']));
    expect(sweep.records).toHaveLength(2);
  });

  test('is told once the run that took it is known: those beside it have not failed', async () => {
    const sweep = sweepOf({
      code: operation(`if (params.x === 1) { ${eats(700)} } else { ${sleep(2_000)} }`),
      cases: 4,
      config: { chunk_size: 4, cpus: 2, memory_bytes: 500 * MIB },
    });
    const report = await sweep.execute();
    const again = await sweep.execute({ token: 'a'.repeat(16), ranges: report.left });
    expect([report.failed, again.left]).toEqual([1, []]);
    expect(sweep.records.map(({ status }) => status)).toEqual(['success', 'failed', 'success', 'success']);
    const { error, provenance } = sweep.records[1]!;
    expect(error?.type).toBe('MemoryError');
    expect(error?.message).toMatch(/memory of 500 MiB \(MaxRSS [\d.]+ [MG]iB\)/);
    expect(provenance).toMatchObject({
      slurm_state: 'OUT_OF_MEMORY',
      slurm_node: expect.stringMatching(/^n/),
    });
    expect(provenance.max_rss_bytes).toBeGreaterThan(500 * MIB);
  });

  test('for a share of it may suffice for a run alone', async () => {
    const sweep = sweepOf({
      code: operation(
        `if (params.x === 1) { globalThis.kept = Buffer.alloc(300 * 2 ** 20, 1); } ${sleep(1_500)}`,
      ),
      cases: 4,
      config: { chunk_size: 4, cpus: 2, memory_bytes: 500 * MIB },
    });
    const report = await sweep.execute();
    const again = await sweep.execute({ token: 'a'.repeat(16), ranges: report.left });
    expect([report.failed, again.failed, again.left]).toEqual([0, 0, []]);
    expect(sweep.records.map(({ status }) => status)).toEqual(Array(4).fill('success'));
  });

  test('although it has grown is told with how often, and of a run that began a moment ago', async () => {
    const sweep = sweepOf({
      code: operation(eats(900)),
      cases: 1,
      config: { memory_bytes: 300 * MIB, escalate: { ...ESCALATE, max: 1 } },
    });
    expect(await sweep.execute()).toMatchObject({ success: 0, failed: 1, left: [] });
    expect(sweep.records[0]?.error?.message).toMatch(/memory of 600 MiB .*which had already grown 1 times/);
  });
});

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

  test('has not failed a run that began late: only one that had its whole time', async () => {
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

  test('by its node is done elsewhere, and a node that fails twice is used no more', {
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

  test('by a job that goes before it is done when its turn comes again', async () => {
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
