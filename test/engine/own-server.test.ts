import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../src/engine/server/ports.js';
import { findTemporalCli } from '../../src/engine/server/temporal-cli.js';
import { metalab, submitJson } from '../support/metalab.js';
import { projectWith } from '../support/project.js';

const home = mkdtempSync(join(tmpdir(), 'metalab-own-'));
let server: ChildProcess;
let env: { readonly METALAB_HOME: string; readonly TEMPORAL_ADDRESS: string };

/** A server of the user's own, on which all three places for whole numbers are taken by others. */
beforeAll(async () => {
  const port = await freePort();
  const taken = ['A', 'B', 'C'].flatMap((name) => ['--search-attribute', `Others${name}=Int`]);
  const { path } = (await findTemporalCli()) as { path: string };
  server = spawn(path, ['server', 'start-dev', '--headless', '--port', String(port), ...taken], {
    stdio: 'ignore',
  });
  env = { METALAB_HOME: home, TEMPORAL_ADDRESS: `127.0.0.1:${port}` };
  for (;;) {
    const connection = await Connection.connect({ address: env.TEMPORAL_ADDRESS, connectTimeout: 500 }).catch(
      () => undefined,
    );
    if (connection) return connection.close();
    await sleep(100);
  }
});

afterAll(async () => {
  await metalab(['engine', 'stop'], { env });
  server.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
});

describe("a Temporal server of the user's own", () => {
  it('is used where TEMPORAL_ADDRESS names it, also where it takes no search attributes; the doctor says so', async () => {
    const project = await projectWith({
      'one.mjs': `
        import { experiment, grid, operation, seeds } from 'metalab';
        export const one = operation(({ params, capture }) => capture.metric('y', params.x));
        export default experiment({ name: 'one', version: '1', operation: one, params: grid({ x: [1, 2] }), seeds: seeds({ base: 1 }) });`,
    });
    const { code, outcome, stderr } = await submitJson(['one.mjs'], { cwd: project.folder, env });
    expect(stderr).not.toContain('starting a Temporal server');
    expect(code).toBe(0);
    expect(outcome).toMatchObject({ total: 2, success: 2 });

    const doctor = await metalab(['doctor', '--json', '--store', project.store], { env });
    const checks = JSON.parse(doctor.stdout) as {
      name: string;
      ok: boolean | string;
      detail: string;
      next?: string;
    }[];
    expect(checks.find(({ name }) => name === 'search attributes')).toMatchObject({
      ok: 'warn',
      next: expect.stringContaining('search-attribute create'),
    });
    expect(checks.some(({ ok, detail }) => ok === true && detail.includes(env.TEMPORAL_ADDRESS))).toBe(true);
  });

  it('is neither started nor stopped by metalab', async () => {
    await metalab(['engine', 'stop'], { env });
    expect(server.exitCode).toBeNull();
    const connection = await Connection.connect({ address: env.TEMPORAL_ADDRESS });
    await connection.close();
  });
});
