import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import {
  type ContextDir,
  type ContextFile,
  dir,
  experiment,
  file,
  grid,
  isExperiment,
  isOperation,
  operation,
  type Resolved,
  seeds,
} from '../../src/definition/index.js';

describe('operation', () => {
  it('takes a function alone, or a function with a schema', () => {
    const run = () => undefined;
    const schema = z.object({ x: z.number() });
    expect(operation(run)).toMatchObject({ run, params: undefined });
    expect(operation({ params: schema, run })).toMatchObject({ run, params: schema });
  });

  it('types params by the schema', () => {
    operation({
      params: z.object({ samples: z.number(), method: z.enum(['a', 'b']) }),
      run: ({ params }) => expectTypeOf(params).toEqualTypeOf<{ samples: number; method: 'a' | 'b' }>(),
    });
  });

  it('remembers the module that declared it', () => {
    expect(operation(() => undefined).declaredIn[0]).toMatch(/declaring\.test\.ts$/);
  });
});

describe('experiment', () => {
  const double = operation(() => undefined);
  const declared = experiment({
    name: 'double',
    version: '1',
    operation: double,
    params: grid({ x: [1] }),
    seeds: seeds({ base: 1 }),
  });

  it('is what was declared, and can not be changed', () => {
    expect(declared).toMatchObject({ name: 'double', version: '1', operation: double });
    expect(Object.isFrozen(declared)).toBe(true);
  });

  it('and operation are told apart from everything else, across copies of metalab', () => {
    expect([declared, double, {}, null, undefined, 'text', () => 1].map(isExperiment)).toEqual([
      true,
      ...Array(6).fill(false),
    ]);
    expect([double, declared, {}, null, undefined, 'text', () => 1].map(isOperation)).toEqual([
      true,
      ...Array(6).fill(false),
    ]);
    expect(isOperation({ [Symbol.for('metalab.operation')]: true })).toBe(true);
    expect(isExperiment({ [Symbol.for('metalab.experiment')]: true })).toBe(true);
  });
});

describe('a context', () => {
  const context = {
    rate: 0.5,
    table: file('data/a.csv'),
    nested: [{ images: dir('img', { pattern: '**/*.png' }) }],
  };

  it('refers to files and folders by their paths', () => {
    expect(context.table).toMatchObject({ path: 'data/a.csv' });
    expect(context.nested[0]?.images).toMatchObject({ path: 'img', pattern: '**/*.png' });
    expect(dir('img').pattern).toBeUndefined();
  });

  it('is typed in the operation with files and folders resolved', () => {
    expectTypeOf<Resolved<typeof context>>().toEqualTypeOf<{
      readonly rate: number;
      readonly table: ContextFile;
      readonly nested: readonly { readonly images: ContextDir }[];
    }>();
  });
});
