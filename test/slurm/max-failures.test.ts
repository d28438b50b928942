import { expect, it } from 'vitest';
import { useCluster } from './cluster.js';

const cluster = await useCluster();

it('--max-failures ends a sweep on a cluster too: its arrays are ended, and the next submit continues', async () => {
  const sweep = await cluster.project({ xs: 400, body: "await sleep(200); throw new Error('a typo');" }, [
    'chunk_size = 100',
  ]);
  const submitted = sweep.submit('--max-failures', '10');
  const outcome = await submitted.outcome;
  expect((await submitted.finished).code).toBe(1);
  expect(outcome).toMatchObject({
    state: 'cancelled',
    success: 0,
    reason: expect.stringContaining('--max-failures 10'),
  });
  expect(outcome.failed).toBeGreaterThanOrEqual(10);
  expect(outcome.failed).toBeLessThan(400);
  expect(await cluster.queue()).toEqual([]);
  expect((await sweep.run('status', 'counted')).stderr).toContain(
    'failed with the same error: Error: a typo',
  );

  await sweep.write({ xs: 400 }, ['chunk_size = 100']);
  expect(await sweep.finish()).toMatchObject({ success: 400, failed: 0 });
}, 720_000);
