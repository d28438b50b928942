import { describe, expect, it } from 'vitest';
import { Ranges } from '../../src/workflows/ranges.js';

describe('the ranges that no chunk holds', () => {
  it('are taken from the front, at most as many positions as asked for', () => {
    const ranges = new Ranges([{ from: 0, to: 10 }]);
    expect(ranges.take(4)).toEqual({ from: 0, to: 4 });
    expect(ranges.take(100)).toEqual({ from: 4, to: 10 });
    expect(ranges.take(1)).toBeUndefined();
  });

  it('never reach over a gap, so that a chunk holds no position of another', () => {
    const ranges = new Ranges([
      { from: 0, to: 3 },
      { from: 5, to: 9 },
    ]);
    expect(ranges.take(6)).toEqual({ from: 0, to: 3 });
    expect(ranges.take(6)).toEqual({ from: 5, to: 9 });
  });

  it('are handed out one by one where less than one is asked for', () => {
    expect(new Ranges([{ from: 7, to: 9 }]).take(0.2)).toEqual({ from: 7, to: 8 });
  });

  it('given back go to their place, merged with their neighbours', () => {
    const ranges = new Ranges([{ from: 0, to: 10 }]);
    const first = ranges.take(3)!;
    const second = ranges.take(3)!;
    ranges.giveBack(second);
    ranges.giveBack({ from: first.from + 1, to: first.to });
    expect(ranges.toJSON()).toEqual([{ from: 1, to: 10 }]);
  });

  it('given back empty change nothing', () => {
    const ranges = new Ranges([{ from: 4, to: 6 }]);
    ranges.giveBack({ from: 2, to: 2 });
    expect(ranges.toJSON()).toEqual([{ from: 4, to: 6 }]);
  });
});
