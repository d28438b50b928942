import { createColors } from 'picocolors';
import { expect, it } from 'vitest';
import { printTable } from '../../../src/cli/format/table.js';

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
