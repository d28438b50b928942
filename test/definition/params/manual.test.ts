import { describe, expect, it } from 'vitest';
import { manual } from '../../../src/definition/params/manual.js';

describe('manual', () => {
  it('has its cases in their order', () => {
    const source = manual([{ b: 1, a: 2 }, { c: 'x' }]);
    expect(source.length).toBe(2);
    expect([source.at(0), source.at(1)]).toEqual([{ b: 1, a: 2 }, { c: 'x' }]);
    expect(() => source.at(2)).toThrow(RangeError);
  });

  it('takes any iterable, and reads it once', () => {
    let reads = 0;
    const source = manual(
      (function* () {
        reads++;
        yield { x: 1 };
        yield { x: 2 };
      })(),
    );
    expect([source.at(1), source.at(0), source.at(1)]).toEqual([{ x: 2 }, { x: 1 }, { x: 2 }]);
    expect(reads).toBe(1);
  });

  it('tags all of its cases', () => {
    expect(manual([{ x: 1 }, { x: 2 }], { tags: ['pilot'] }).tagsAt(1)).toEqual(['pilot']);
    expect(manual([{ x: 1 }]).tagsAt(0)).toEqual([]);
  });
});
