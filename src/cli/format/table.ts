import CliTable from 'cli-table3';
import { oneLine } from '../../definition/printable.js';
import { jsonPieces } from '../../results/export/json-pieces.js';
import type { CommandContext } from '../command.js';
import { numberFormat } from './format-number.js';

/** One row: cells by column. */
export type TableRow = { readonly [column: string]: unknown };

const BORDERLESS = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
    .map((part) => [part, '']),
);
const GAP = 2;
const MAX_CHARACTERS = 60;
/** Where the output goes to a program or a file: to lay out texts of megabytes takes minutes. */
const MAX_IN_FILE = 1000;

type TableContext = Pick<CommandContext, 'out' | 'note' | 'color' | 'width'>;

/** Prints rows as a borderless table, numbers to the right. Lists columns that don't fit the terminal. */
export function printTable(
  rows: readonly TableRow[],
  context: TableContext,
  columns: readonly string[] = [...new Set(rows.flatMap((row) => Object.keys(row)))],
): void {
  const cells = rows.map((row) => columns.map((column) => row[column]));
  printCells(columns, cells, context);
}

/** The same, of cells in the order of the columns: two columns may have the same name. */
export function printCells(
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
  context: TableContext,
): void {
  const longest = Number.isFinite(context.width) ? MAX_CHARACTERS : MAX_IN_FILE;
  const formats = columns.map((_, index) =>
    numberFormat(rows.map((row) => row[index]).filter((value) => typeof value === 'number')),
  );
  const cells = rows.map((row) =>
    columns.map((_, index) => formatCell(row[index], formats[index]!, longest)),
  );
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const shown = fitting(widths, context.width);
  const head = columns.slice(0, shown).map((column) => context.color.bold(oneLine(column)));
  const aligns = head.map((_, index) => (isNumeric(rows, index) ? 'right' : 'left'));
  const parts = Array.from({ length: Math.ceil(shown / LAID_OUT) }, (_, part) => {
    const own = <T>(row: readonly T[]) => row.slice(part * LAID_OUT, Math.min(shown, (part + 1) * LAID_OUT));
    return layOut(own(head), cells.map(own), own(aligns));
  });
  const lines = parts[0]?.map((_, line) => trimSpaces(parts.map((part) => part[line]).join(BETWEEN))) ?? [];
  context.out(lines.join('\n'));
  const left = columns.slice(shown);
  if (left.length > 0) context.note(context.color.dim(`not shown: ${notShown(left)} (--columns chooses)`));
}

/** So many columns are laid out together: cli-table3 compares every cell of a row with all others. */
const LAID_OUT = 50;
const BETWEEN = ' '.repeat(GAP);

/** @returns the lines of these columns, all of the same width */
function layOut(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  aligns: readonly ('left' | 'right')[],
): string[] {
  const table = new CliTable({
    head: [...head],
    chars: { ...BORDERLESS, middle: BETWEEN },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
    colAligns: [...aligns],
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString().split('\n');
}

/** Without the spaces at its end. A regular expression would look at each run of spaces once for each of them. */
function trimSpaces(line: string): string {
  let end = line.length;
  while (line[end - 1] === ' ') end--;
  return line.slice(0, end);
}

const MAX_NAMED = 20;
const notShown = (names: readonly string[]) =>
  names.length <= MAX_NAMED
    ? names.join(', ')
    : `${names.slice(0, MAX_NAMED).join(', ')} and ${names.length - MAX_NAMED} more`;

/** How many columns fit, at least one. */
function fitting(widths: readonly number[], available: number): number {
  let used = -GAP;
  const over = widths.findIndex((width) => {
    used += GAP + width;
    return used > available;
  });
  return over === -1 ? widths.length : Math.max(1, over);
}

const isNumeric = (rows: readonly (readonly unknown[])[], index: number) => {
  const values = rows.map((row) => row[index]).filter((value) => value !== null && value !== undefined);
  return values.length > 0 && values.every((value) => typeof value === 'number');
};

/**
 * Formats a value for a table: on one line. `--json` and `--csv` have all of it.
 *
 * @param longest longer text is cut
 */
function formatCell(value: unknown, format: (value: number) => string, longest: number): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return format(value);
  const [first = ''] = typeof value === 'string' ? [value] : jsonPieces(value);
  const text = oneLine(first.slice(0, longest + 1));
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}
