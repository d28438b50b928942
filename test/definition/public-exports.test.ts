import { expect, it } from 'vitest';
import * as definition from '../../src/definition/index.js';
import * as metalab from '../../src/index.js';

it('an experiment file can import all that the definition offers', () => {
  expect(Object.keys(definition).sort()).toEqual([
    'DirReference',
    'FileReference',
    'Seeds',
    'choice',
    'derive',
    'dir',
    'experiment',
    'file',
    'forPreprocessing',
    'grid',
    'int',
    'isDerivation',
    'isExperiment',
    'isOperation',
    'logInt',
    'logUniform',
    'manual',
    'normal',
    'operation',
    'random',
    'seeds',
    'uniform',
  ]);
});

it('the package exports the definition and zod', () => {
  expect(metalab).toMatchObject({ ...definition });
  expect(metalab.z.object({ x: metalab.z.number() }).parse({ x: 1 })).toEqual({ x: 1 });
});
