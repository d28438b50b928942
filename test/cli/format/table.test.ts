import { createColors } from 'picocolors';
import { expect, it } from 'vitest';
import { printCells, printTable } from '../../../src/cli/format/table.js';

function printed(value: unknown, width: number): string {
  const lines: string[] = [];
  const out = (line: string) => void lines.push(line);
  printTable([{ text: value }], { out, note: out, color: createColors(false), width });
  return lines.join('\n').split('\n').at(-1)!;
}

it.each([
  ['a terminal', 80, 60],
  ['a file', Number.POSITIVE_INFINITY, 1000],
])('a long text is cut in %s, and a text that fits is whole', (_, width, most) => {
  expect(printed('x'.repeat(most), width)).toBe('x'.repeat(most));
  expect(printed('x'.repeat(most + 1), width)).toBe(`${'x'.repeat(most - 1)}…`);
});

it('of a text of 20 MB, only the beginning is laid out', () => {
  expect(printed('x'.repeat(20_000_000), Number.POSITIVE_INFINITY)).toHaveLength(1000);
});

it('a table of thousands of columns is laid out like a small one', () => {
  const lines = (columns: number) => {
    let text = '';
    const out = (line: string) => {
      text += line;
    };
    const names = Array.from({ length: columns }, (_, at) => `c${at % 10}`);
    const rows = [1, 400, 22].map((value) => names.map((_, at) => (at % 2 ? value : 'ä'.repeat(value))));
    printCells(names, rows, { out, note: out, color: createColors(false), width: Number.POSITIVE_INFINITY });
    return text.split('\n');
  };
  const small = lines(10);
  const large = lines(1000);
  expect(large).toHaveLength(4);
  for (const [at, line] of large.entries()) {
    const width = large[0]!.length;
    expect(line.length).toBeLessThanOrEqual(width);
    expect(line).toBe(
      Array.from({ length: 100 }, () => small[at]!.padEnd(small[0]!.length))
        .join('  ')
        .trimEnd(),
    );
  }
});
