import { expect, test } from 'vitest';
import { runForLines, scriptsWith } from '../client/script.js';
import { resultsJson, submitJson } from '../support/metalab.js';
import { projectWith } from '../support/project.js';

const declared = (required: string) => `
  const { experiment, grid, operation, seeds } = ${required};
  const { twice } = require('./twice.cjs');
  exports.op = operation(({ params, capture }) => capture.metric('y', twice(params.x)));
  exports.sweep = experiment({
    name: 'common', version: '1', operation: exports.op, params: grid({ x: [1, 2] }), seeds: seeds({ base: 1 }),
  });`;
const TWICE = 'exports.twice = (x) => 2 * x;';

const FILES = {
  'module/package.json': '{"type":"module"}',
  'module/twice.cjs': TWICE,
  'module/experiment.cjs': declared("require('metalab')"),
  'plain/package.json': '{}',
  'plain/twice.cjs': TWICE,
  'plain/experiment.js': declared("require('metalab')"),
  'plain/default.cjs': `
    const metalab = require('metalab');
    const op = metalab.operation(({ params, capture }) => capture.metric('y', 2 * params.x));
    module.exports = { op, sweep: metalab.experiment({
      name: 'common', version: '1', operation: op, params: metalab.grid({ x: [1, 2] }), seeds: metalab.seeds({ base: 1 }),
    }) };`,
  'plain/typed.cts': `
    import metalab = require('metalab');
    const { twice }: { twice: (x: number) => number } = require('./twice.cjs');
    export const op = metalab.operation(({ params, capture }) => capture.metric('y', twice(params.x as number)));
    export const sweep = metalab.experiment({
      name: 'common', version: '1', operation: op, params: metalab.grid({ x: [1, 2] }), seeds: metalab.seeds({ base: 1 }),
    });`,
};

test.each(['module/experiment.cjs', 'plain/experiment.js', 'plain/default.cjs', 'plain/typed.cts'])(
  'a CommonJS experiment file is submitted: %s',
  async (file) => {
    const project = await projectWith(FILES);
    const { outcome, stderr } = await submitJson([project.path(file), '--store', project.store]);
    expect(outcome, stderr).toMatchObject({ executed: 2, success: 2 });
    const records = await resultsJson('common', project.store, ['--sort', 'x']);
    expect(records).toMatchObject([{ metrics: { y: 2 } }, { metrics: { y: 4 } }]);
  },
);

test('a CommonJS program submits what it requires', async () => {
  const project = await scriptsWith({
    'twice.cjs': TWICE,
    'experiment.cjs': declared("require('metalab')"),
    'main.cjs': `
      const { run } = require('metalab');
      const { sweep } = require('./experiment.cjs');
      run(sweep, { store: 'experiments' }).then(({ outcome }) => console.log(JSON.stringify(outcome)));`,
  });
  expect(await runForLines(project, 'main.cjs')).toMatchObject([{ executed: 2, success: 2 }]);
});

test('computed imports find the files that code names, in runs too', async () => {
  const project = await projectWith({
    'models/a.mjs': 'export const f = () => 1;',
    'models/b.mjs': "import { two } from '../two.mjs';\nexport const f = () => two;",
    'two.mjs': 'export const two = 2;',
    'experiment.ts': `
      import { experiment, grid, operation, seeds } from 'metalab';
      export const op = operation(async ({ params, capture }) => {
        const { f } = await import('./models/' + params.model + '.mjs');
        capture.metric('y', f());
      });
      export default experiment({
        name: 'zoo', version: '1', operation: op, code: ['models/*.mjs'], params: grid({ model: ['a', 'b'] }), seeds: seeds({ base: 1 }),
      });`,
  });
  const { outcome, stderr } = await submitJson([project.path('experiment.ts'), '--store', project.store]);
  expect(outcome, stderr).toMatchObject({ executed: 2, success: 2 });
  const records = await resultsJson('zoo', project.store, ['--sort', 'model']);
  expect(records).toMatchObject([{ metrics: { y: 1 } }, { metrics: { y: 2 } }]);
});
