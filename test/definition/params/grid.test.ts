import { describe, expect, it } from 'vitest';
import { DefinitionError } from '../../../src/definition/errors.js';
import { grid } from '../../../src/definition/params/grid.js';

describe('grid', () => {
  it('multiplies all axes, the last key varying fastest', () => {
    const source = grid({ a: [1, 2], b: ['x', 'y', 'z'] });
    expect(source.length).toBe(6);
    expect(Array.from({ length: 6 }, (_, index) => source.at(index))).toEqual([
      { a: 1, b: 'x' },
      { a: 1, b: 'y' },
      { a: 1, b: 'z' },
      { a: 2, b: 'x' },
      { a: 2, b: 'y' },
      { a: 2, b: 'z' },
    ]);
  });

  it('declares the same cases in the same order, whatever the order of the keys', () => {
    const one = grid({ b: ['x', 'y'], a: [1, 2] });
    const other = grid({ a: [1, 2], b: ['x', 'y'] });
    const cases = (source: typeof one) =>
      Array.from({ length: source.length }, (_, index) => source.at(index));
    expect(cases(one)).toEqual(cases(other));
    expect(Object.keys(one.at(0))).toEqual(['a', 'b']);
  });

  it('keeps values of any JSON type', () => {
    const values = [null, true, 0.5, 'text', [1, 2], { deep: { er: [] } }];
    const source = grid({ value: values });
    expect(values.map((_, index) => source.at(index).value)).toEqual(values);
  });

  it('finds a case far into a large grid at once', () => {
    const digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    const source = grid({ a: digits, b: digits, c: digits, d: digits, e: digits, f: digits, g: digits });
    expect(source.length).toBe(10_000_000);
    expect(source.at(9_876_543)).toEqual({ a: 9, b: 8, c: 7, d: 6, e: 5, f: 4, g: 3 });
  });

  it('is empty where an axis is, and where there is none', () => {
    expect(grid({ a: [1, 2], b: [] }).length).toBe(0);
    expect(grid({}).length).toBe(0);
  });

  it.each([-1, 4, 0.5, Number.NaN])('refuses case %d of four', (index) => {
    expect(() => grid({ a: [1, 2, 3, 4] }).at(index)).toThrow(
      new RangeError(`case ${index} is outside 0 … 3`),
    );
  });

  it('names every axis that is not an array, and says how to write a single value', () => {
    const axes = { a: [1], b: 3, c: null } as unknown as Parameters<typeof grid>[0];
    expect(() => grid(axes)).toThrow(DefinitionError);
    expect(() => grid(axes)).toThrow(/2 problems[\s\S]*'b': is number[\s\S]*b: \[3\][\s\S]*'c': is null/);
  });
});
