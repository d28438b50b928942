import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';
import { ensureServer } from '../../src/engine/server/server.js';
import { metalab, startMetalab } from './metalab.js';
import { giveOwnPorts } from './own-ports.js';
import type { Project } from './project.js';
import { untilSaid } from './until.js';

/** An engine of a test file's own, whose processes may be killed: stopped after the file. @returns its environment */
export function useOwnEngine(): { readonly METALAB_HOME: string } {
  const home = mkdtempSync(join(tmpdir(), 'metalab-engine-'));
  giveOwnPorts(home);
  afterAll(async () => {
    await metalab(['engine', 'stop'], { env: { METALAB_HOME: home } });
    rmSync(home, { recursive: true, force: true });
  });
  return { METALAB_HOME: home };
}

/**
 * Workers of a test file's own, which may be killed, on the server that all tests share: a key of their own keeps them from
 * what others submit. Stopped after the file. @returns their environment
 */
export async function useOwnWorkers() {
  return {
    ...useOwnEngine(),
    TEMPORAL_ADDRESS: process.env.TEMPORAL_ADDRESS || (await ensureServer()).address,
  };
}

/** A foreground worker, once it polls; killed after the test where it still runs. */
export async function startWorker(
  env: NodeJS.ProcessEnv,
  args: readonly string[] = [],
): Promise<ReturnType<typeof startMetalab> & { readonly pid: number }> {
  const worker = startMetalab(['worker', '--slots', '2', ...args], { env });
  onTestFinished(() => {
    worker.kill('SIGCONT');
    worker.kill('SIGKILL');
  });
  await untilSaid(worker, 'polls');
  return worker as typeof worker & { readonly pid: number };
}

/**
 * A sweep over x = 0, 1, …, whose runs note their execution, and the pids of their slot and worker, in a file, and take so long.
 *
 * @param milliseconds a number, or an expression of `params.x`
 * @param held an expression of `params.x`: whether a run waits for the file `go` first
 */
export const countedSweep = (runs: number, milliseconds: number | string, held = 'false') => ({
  'counted.mjs': `
    import { appendFileSync, existsSync } from 'node:fs';
    import { experiment, grid, operation, seeds } from 'metalab';
    export const counted = operation(async ({ params, capture }) => {
      appendFileSync('executions', [params.x, process.pid, process.ppid].join(' ') + '\\n');
      while (${held} && !existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 20));
      await new Promise((resolve) => setTimeout(resolve, ${milliseconds}));
      capture.metric('y', 2 * params.x);
    });
    export default experiment({
      name: 'counted', version: '1', operation: counted,
      params: grid({ x: Array.from({ length: ${runs} }, (_, i) => i) }), seeds: seeds({ base: 1 }),
    });`,
});

export interface Execution {
  readonly x: number;
  /** The slot's. */
  readonly pid: number;
  /** The worker's pid. */
  readonly worker: number;
}

/** The executions of a {@link countedSweep} so far. */
export function executionsIn(project: Project): readonly Execution[] {
  if (!existsSync(project.path('executions'))) return [];
  const lines = readFileSync(project.path('executions'), 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [x, pid, worker] = line.split(' ').map(Number);
    return { x: x!, pid: pid!, worker: worker! };
  });
}
