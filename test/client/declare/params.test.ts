import { expect, it } from 'vitest';
import { declareParams } from '../../../src/client/declare/params.js';
import { experiment } from '../../../src/definition/experiment.js';
import { operation } from '../../../src/definition/operation.js';
import { grid } from '../../../src/definition/params/grid.js';
import { manual } from '../../../src/definition/params/manual.js';
import type { ParamSource } from '../../../src/definition/params/source.js';
import { seeds } from '../../../src/definition/seeds.js';

class LearningRate {
  readonly cache = {};
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
  fingerprint() {
    return { lr: this.value };
  }
}

const declare = (params: ParamSource) =>
  declareParams(
    experiment({
      name: 'e',
      version: '1',
      operation: operation(() => {}),
      params,
      seeds: seeds({ base: 1 }),
    }),
    {},
  );

it('values that opt in by fingerprint() are declared as what that returns, whoever declares them', async () => {
  const rate = new LearningRate(0.1) as never;
  expect(await declare(manual([{ a: rate }]))).toEqual({ kind: 'manual', cases: [{ a: { lr: 0.1 } }] });
  expect(await declare(grid({ a: [rate, 2] }))).toEqual({ kind: 'grid', axes: { a: [{ lr: 0.1 }, 2] } });
});
