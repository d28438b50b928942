import { describe, expect, test } from 'vitest';
import { body } from '../local/sweep.js';
import { PATIENCE, useClusterSweeps } from './cluster-sweep.js';

const { sweepOf, accounted } = await useClusterSweeps();

const MIB = 1024 ** 2;
const ESCALATE = { memory: 2, time: 2, max: 2 };
const sleep = (ms: number) => `await new Promise((resolve) => setTimeout(resolve, ${ms}));`;
const operation = (text: string) =>
  `import { execFileSync } from 'node:child_process';\n${body(text, { async: true })}`;
/** Memory that only Slurm sees, for as long as that needs to. */
const eats = (mebibytes: number) =>
  `execFileSync(process.execPath, ['-e', 'globalThis.b = Buffer.alloc(${mebibytes} * 2 ** 20, 1); setTimeout(() => {}, 3500)']);`;

describe('insufficient memory', () => {
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

  test('fails only the run that used it', async () => {
    const sweep = sweepOf({
      code: operation(`if (params.x === 1) { ${eats(700)} } else { ${sleep(2_000)} }`),
      cases: 4,
      // A run may have more than its whole task, so that it is Slurm that ends the task.
      declaration: { memory_bytes: 2048 * MIB },
      config: { chunk_size: 4, cpus: 2, memory_bytes: 500 * MIB },
    });
    // A run that shared its task may have to be retried alone before it is known.
    for (let { left } = await sweep.execute(), batch = 0xa; left.length > 0 && batch <= 0xf; batch++)
      ({ left } = await sweep.execute({ token: batch.toString(16).repeat(16), ranges: left }));
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

  test('shared by several slots is retried with one run alone', async () => {
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

  test('after escalation fails the run with the number of escalations, also one that had just started', async () => {
    const sweep = sweepOf({
      code: operation(eats(900)),
      cases: 1,
      declaration: { memory_bytes: 2048 * MIB },
      config: { memory_bytes: 300 * MIB, escalate: { ...ESCALATE, max: 1 } },
    });
    expect(await sweep.execute()).toMatchObject({ success: 0, failed: 1, left: [] });
    expect(sweep.records[0]?.error?.message).toMatch(/memory of 600 MiB .*which had already grown 1 times/);
  });
});
