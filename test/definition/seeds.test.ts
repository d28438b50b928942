import { describe, expect, it } from 'vitest';
import { DefinitionError } from '../../src/definition/errors.js';
import { forPreprocessing, Seeds, seeds } from '../../src/definition/seeds.js';

describe('derived seeds', () => {
  it('are those of the Python metalab', () => {
    const first = new Seeds(42, 0);
    expect(first.derive('default')).toBe(2164880486899767195n);
    expect(first.derive()).toBe(2164880486899767195n);
    expect(first.derive('sampling')).toBe(16451810078227672686n);
    expect(forPreprocessing(42).derive('default')).toBe(7753140183719244741n);
  });

  it('differ by base, replicate and name, without ambiguity between them', () => {
    const all = [
      new Seeds(1, 0).derive('a'),
      new Seeds(2, 0).derive('a'),
      new Seeds(1, 1).derive('a'),
      new Seeds(1, 0).derive('b'),
      new Seeds(1, 11).derive('a'),
      new Seeds(11, 1).derive('a'),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it('have as their 32-bit form the remainder by 2³²', () => {
    for (const name of ['default', 'sampling', 'split']) {
      const run = new Seeds(42, 3);
      expect(run.seed32(name)).toBe(Number(run.derive(name) % 2n ** 32n));
    }
  });

  it('tell their root and replicate', () => {
    const run = new Seeds(2n ** 63n, 5);
    expect([run.root, run.replicate]).toEqual([2n ** 63n, 5]);
  });

  it('are the same for preprocessing in every replicate', () => {
    const [one, other] = [new Seeds(42, 0).forPreprocessing(), new Seeds(42, 9).forPreprocessing()];
    expect(one.derive('split')).toBe(other.derive('split'));
    expect(one.replicate).toBe(0);
    expect(one.derive()).toBe(forPreprocessing(42).derive());
  });
});

describe('seeds', () => {
  it('declares a plan of one replicate unless more are asked for', () => {
    expect(seeds({ base: 42 })).toEqual({ base: 42, replicates: 1 });
    expect(seeds({ base: 0, replicates: 10 })).toEqual({ base: 0, replicates: 10 });
  });

  it('refuses a base and a number of replicates that are not whole, both at once', () => {
    expect(() => seeds({ base: -1, replicates: 0 })).toThrow(DefinitionError);
    expect(() => seeds({ base: 1.5, replicates: 2.5 })).toThrow(
      /2 problems\n- seeds\.base: is 1\.5\n {4}expected: a whole number from 0[\s\S]*- seeds\.replicates: is 2\.5/,
    );
    expect(() => seeds({ base: 2 ** 60 })).toThrow(DefinitionError);
  });
});
