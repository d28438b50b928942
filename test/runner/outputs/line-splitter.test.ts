import { describe, expect, it } from 'vitest';
import { LineSplitter } from '../../../src/runner/outputs/line-splitter.js';

function split(pieces: Iterable<string>): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const piece of pieces) splitter.write(piece);
  splitter.end();
  return lines;
}

describe('printed text as lines', () => {
  it.each([
    [['a\nb\n'], ['a', 'b']],
    [
      ['a', 'b', '\n', '\n', 'c'],
      ['ab', '', 'c'],
    ],
    [
      ['a\r\nb\r', '\nc\r\r\n'],
      ['a', 'b', 'c'],
    ],
    [['\r10 %\r50 %', '\r100 %\n'], ['100 %']],
    [['10 %\r', '50 %\r'], ['50 %']],
    [
      ['10 %\r', '\r', '20', ' %', '\nnext'],
      ['20 %', 'next'],
    ],
    [['one\rtwo\nthree\r'], ['two', 'three']],
    [
      ['\r\r\n', '\n'],
      ['', ''],
    ],
  ])('%j is %j', (pieces, lines) => {
    expect(split(pieces)).toEqual(lines);
  });

  it('takes a million states of a progress bar, and a million pieces of a line', () => {
    const states = Array.from({ length: 1_000_000 }, (_, step) => `\r${step} of 1000000, loss 0.1234`);
    expect(split(states)).toEqual(['999999 of 1000000, loss 0.1234']);
    expect(split(Array.from({ length: 1_000_000 }, () => '.'))).toEqual(['.'.repeat(1_000_000)]);
  });
});
