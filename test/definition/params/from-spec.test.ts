import { describe, expect, it } from 'vitest';
import { paramSourceFromSpec } from '../../../src/definition/params/from-spec.js';
import { grid } from '../../../src/definition/params/grid.js';
import { manual } from '../../../src/definition/params/manual.js';
import { choice, logUniform, normal, Random, random } from '../../../src/definition/params/random.js';
import type { ParamSource, ParamSpec } from '../../../src/definition/params/source.js';

const SOURCES: readonly (readonly [string, ParamSource])[] = [
  ['grid', grid({ b: [1, 2, 3], a: ['x', null, { deep: true }] })],
  [
    'random',
    random({
      space: { lr: logUniform(1e-5, 1), z: normal(0, 1), k: choice([1, 'two']), fixed: 7 },
      trials: 9,
      seed: 4,
    }),
  ],
  [
    'random with collapsed trials',
    new Random({ kind: 'random', space: { k: choice([1, 2, 3]) }, trials: 9, seed: 4, collapsed: [3, 4, 7] }),
  ],
  ['manual', manual([{ x: 1 }, { y: [2] }], { tags: ['one', 'two'] })],
];

describe.each(SOURCES)('a %s that went through JSON', (_, source) => {
  const spec = JSON.parse(JSON.stringify(source.toSpec())) as ParamSpec;
  const again = paramSourceFromSpec(spec);

  it('has the same cases and tags', () => {
    expect(again.length).toBe(source.length);
    for (let index = 0; index < source.length; index++) {
      expect(again.at(index)).toEqual(source.at(index));
      expect(again.tagsAt(index)).toEqual(source.tagsAt(index));
    }
  });

  it('has the same kind and specification', () => {
    expect(again.kind).toBe(source.kind);
    expect(again.toSpec()).toEqual(source.toSpec());
  });
});
