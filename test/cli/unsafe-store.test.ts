import { chmodSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import type { SweepStatus } from '../../src/index.js';
import { countedSweep, executionsIn, useOwnWorkers } from '../support/engine.js';
import { metalab, resultsJson, submitJson } from '../support/metalab.js';
import { projectWith } from '../support/project.js';

const env = await useOwnWorkers();

test('a store that everybody may write to is refused before anything is submitted, unless it is trusted', {
  timeout: 720_000,
}, async () => {
  const project = await projectWith(countedSweep(3, 0));
  const submit = () => submitJson(['counted.mjs', '--store', project.store], { cwd: project.folder, env });
  expect((await submit()).outcome).toMatchObject({ success: 3 });
  const [run] = await resultsJson('counted', project.store);
  chmodSync(project.store, 0o777);
  const refused = await submit();
  expect(refused).toMatchObject({ code: 3, stdout: '' });
  expect(refused.stderr).toContain(`${project.store} (owner uid ${process.getuid!()}`);
  expect(refused.stderr).toMatch(/mode 0777\)/);
  expect(refused.stderr).toContain(`chmod o-w '${project.store}'`);
  const retried = await metalab(
    ['retry', 'counted', '--run', String(run!.run_id), '--store', project.store],
    { env },
  );
  expect(retried).toMatchObject({ code: 3, stderr: expect.stringContaining("chmod o-w '") });

  const trust = (...more: string[]) =>
    metalab(['store', 'trust', '--store', project.store, ...more], { env });
  expect((await trust()).code).toBe(0);
  expect((await submit()).outcome).toMatchObject({ success: 3 });
  expect((await trust('--remove')).code).toBe(0);
  expect((await submit()).code).toBe(3);
});

test('a store that becomes writable for everybody is not executed from: the sweep waits, says why, and goes on', {
  timeout: 720_000,
}, async () => {
  const project = await projectWith(countedSweep(12, 400));
  const options = { cwd: project.folder, env };
  const store = ['--store', project.store];
  await metalab(['submit', 'counted.mjs', '--detach', '--slots', '1', ...store], options);
  await vi.waitFor(() => expect(executionsIn(project).length).toBeGreaterThan(0), { timeout: 180_000 });
  chmodSync(`${project.store}/counted@1/bundles`, 0o777);
  const status = async () =>
    JSON.parse((await metalab(['status', 'counted', '--json', ...store], options)).stdout) as SweepStatus;
  await vi.waitFor(
    async () =>
      expect(await status()).toMatchObject({
        state: 'waiting',
        reason: expect.stringMatching(/bundles.*mode 0777.*chmod/),
      }),
    { timeout: 180_000, interval: 500 },
  );
  const executed = executionsIn(project).length;
  expect(executed).toBeLessThan(12);
  chmodSync(`${project.store}/counted@1/bundles`, 0o755);
  await vi.waitFor(async () => expect((await status()).state).toBe('completed'), {
    timeout: 360_000,
    interval: 500,
  });
  expect(executionsIn(project)).toHaveLength(12);
});
