import { expect, it } from 'vitest';
import { useCluster } from './cluster.js';

const cluster = await useCluster();

const EXPERIMENT = `
  import { derive, experiment, grid, operation, seeds } from 'metalab';
  export const train = operation(({ params, capture }) => {
    for (let step = 0; step < 3; step++) capture.metric('loss', params.x - step, { step });
    capture.artifact('weights', [params.x]);
  });
  export const fit = derive(async (run) => {
    if (run.params.x === 4) throw new Error('no fit of 4');
    const { values } = await run.series('loss');
    return { drop: values[0] - values.at(-1), weight: (await run.artifact('weights'))[0] };
  });
  export default experiment({
    name: 'derives', version: '1', operation: train, derived: { fit },
    params: grid({ x: [1, 2, 3, 4] }), seeds: seeds({ base: 1 }),
  });`;

it('metrics are derived on the nodes, and collected with the records', { timeout: 360_000 }, async () => {
  const project = await cluster.project({ xs: 1 });
  await project.project.write({ 'derives.mjs': EXPERIMENT });
  const submitted = await project.run('submit', 'derives.mjs', '--json');
  expect([submitted.code, submitted.stdout]).toEqual([0, expect.stringContaining('"success":4')]);
  expect(submitted.stdout + submitted.stderr).toContain('"failed":0');
  const columns = 'SELECT x, "derived.drop", "derived.weight" FROM runs ORDER BY x';
  const { stdout } = await project.run('query', columns, 'derives', '--json');
  expect((JSON.parse(stdout) as object[]).map(Object.values)).toEqual([
    [1, 2, 1],
    [2, 2, 2],
    [3, 2, 3],
    [4, null, null],
  ]);
  const missing = await project.run('derive', 'derives.mjs', '--dry-run', '--json');
  expect(JSON.parse(missing.stdout)).toMatchObject({ runs: 4, total: 1 });
});
