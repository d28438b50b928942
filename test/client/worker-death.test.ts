import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { metalab, resultsJson, type SubmitLine, startMetalab } from '../support/metalab.js';
import { projectWith } from '../support/project.js';

const home = mkdtempSync(join(tmpdir(), 'metalab-death-'));
const env = { METALAB_HOME: home };

afterAll(async () => {
  await metalab(['engine', 'stop'], { env });
  rmSync(home, { recursive: true, force: true });
});

interface Engine {
  readonly server: { readonly pid: number };
  readonly workers: readonly { readonly pid: number }[];
}

describe('a followed sweep', () => {
  it('survives a kill -9 of the worker and of the server: both are replaced, no run is failed or lost', async () => {
    const RUNS = 40;
    const project = await projectWith({
      'slow.mjs': `
        import { appendFileSync } from 'node:fs';
        import { experiment, grid, operation, seeds } from 'metalab';
        export const slow = operation(async ({ params, capture }) => {
          appendFileSync('executions', params.x + '\\n');
          await new Promise((resolve) => setTimeout(resolve, 300));
          capture.metric('y', 2 * params.x);
        });
        export default experiment({
          name: 'slow', version: '1', operation: slow,
          params: grid({ x: Array.from({ length: ${RUNS} }, (_, i) => i) }), seeds: seeds({ base: 1 }),
        });`,
    });
    const executions = () =>
      existsSync(project.path('executions'))
        ? readFileSync(project.path('executions'), 'utf8').trim().split('\n').length
        : 0;
    const submit = startMetalab(['submit', 'slow.mjs', '--slots', '2', '--json'], {
      cwd: project.folder,
      env,
    });
    while (executions() < 6) await sleep(50);

    const { stdout } = await metalab(['engine', 'status', '--json'], { env });
    const { server, workers } = JSON.parse(stdout) as Engine;
    for (const { pid } of [...workers, server]) process.kill(pid, 'SIGKILL');

    const { code, stdout: out, stderr } = await submit.finished;
    expect(stderr.match(/starting a Temporal server/g)).toHaveLength(2);
    expect(code).toBe(0);
    expect(JSON.parse(out.trim()) as SubmitLine).toMatchObject({
      total: RUNS,
      success: RUNS,
      failed: 0,
      executed: RUNS,
    });
    expect(executions() - RUNS).toBeLessThanOrEqual(2);
    const records = await resultsJson('slow', project.store);
    expect(records.map(({ metrics }) => (metrics as { y: number }).y).sort((a, b) => a - b)).toEqual(
      Array.from({ length: RUNS }, (_, x) => 2 * x),
    );
  }, 120_000);
});
