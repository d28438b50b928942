import { expect, it } from 'vitest';
import { z } from 'zod';
import { declareParams } from '../../../src/client/declare/params.js';
import { experiment } from '../../../src/definition/experiment.js';
import { operation } from '../../../src/definition/operation.js';
import { paramSourceFromSpec } from '../../../src/definition/params/from-spec.js';
import { grid } from '../../../src/definition/params/grid.js';
import { manual } from '../../../src/definition/params/manual.js';
import { int, random } from '../../../src/definition/params/random.js';
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

it('a random search says how many of its trials repeat earlier ones, also where the schema completes its cases', async () => {
  const search = random({ space: { k: int(1, 3) }, trials: 50, seed: 1 });
  const run = () => {};
  for (const searched of [
    operation(run),
    operation({ params: z.object({ k: z.number(), scale: z.number().default(2) }), run }),
  ]) {
    const told: string[] = [];
    const spec = await declareParams(
      experiment({ name: 'e', version: '1', operation: searched, params: search, seeds: seeds({ base: 1 }) }),
      {},
      (sentence) => told.push(sentence),
    );
    expect(paramSourceFromSpec(spec).length).toBe(3);
    expect(told).toEqual([
      expect.stringMatching(/47 of the 50 trials.*repeat earlier ones, so it has 3 cases/),
    ]);
  }
});
