import CliTable from 'cli-table3';
import type { CommandContext } from '../command.js';
import { numberFormat } from './format-number.js';
import { oneLine } from './one-line.js';

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
  const table = new CliTable({
    head: columns.slice(0, shown).map((column) => context.color.bold(oneLine(column))),
    chars: { ...BORDERLESS, middle: ' '.repeat(GAP) },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
    colAligns: columns.slice(0, shown).map((_, index) => (isNumeric(rows, index) ? 'right' : 'left')),
  });
  table.push(...cells.map((row) => row.slice(0, shown)));
  context.out(table.toString().replace(/ +$/gm, ''));
  const left = columns.slice(shown);
  if (left.length > 0) context.note(context.color.dim(`not shown: ${notShown(left)} (--columns chooses)`));
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
  const whole = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  const text = oneLine(whole.slice(0, longest + 1));
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}
