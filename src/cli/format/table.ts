import CliTable from 'cli-table3';
import type { CommandContext } from '../command.js';
import { formatNumber } from './format-number.js';

/** One row: cells by column. */
export type TableRow = { readonly [column: string]: unknown };

const BORDERLESS = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
    .map((part) => [part, '']),
);
const GAP = 2;
const MAX_CHARACTERS = 60;

/** Prints rows as a borderless table, numbers to the right. Lists columns that don't fit the terminal. */
export function printTable(
  rows: readonly TableRow[],
  context: Pick<CommandContext, 'out' | 'note' | 'color' | 'width'>,
  columns: readonly string[] = [...new Set(rows.flatMap((row) => Object.keys(row)))],
): void {
  // Nothing is cut if the output goes to a program or a file.
  const longest = Number.isFinite(context.width) ? MAX_CHARACTERS : undefined;
  const cells = rows.map((row) => columns.map((column) => formatCell(row[column], longest)));
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const shown = fitting(widths, context.width);
  const table = new CliTable({
    head: columns.slice(0, shown).map((column) => context.color.bold(column)),
    chars: { ...BORDERLESS, middle: ' '.repeat(GAP) },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
    colAligns: columns.slice(0, shown).map((column) => (isNumeric(rows, column) ? 'right' : 'left')),
  });
  table.push(...cells.map((row) => row.slice(0, shown)));
  context.out(table.toString().replace(/ +$/gm, ''));
  const left = columns.slice(shown);
  if (left.length > 0) context.note(context.color.dim(`not shown: ${left.join(', ')} (--columns chooses)`));
}

/** How many columns fit, at least one. */
function fitting(widths: readonly number[], available: number): number {
  let used = -GAP;
  const over = widths.findIndex((width) => {
    used += GAP + width;
    return used > available;
  });
  return over === -1 ? widths.length : Math.max(1, over);
}

const isNumeric = (rows: readonly TableRow[], column: string) => {
  const values = rows.map((row) => row[column]).filter((value) => value !== null && value !== undefined);
  return values.length > 0 && values.every((value) => typeof value === 'number');
};

/**
 * Formats a value for a table: on one line, numbers at most six significant digits. `--json` and `--csv` have all.
 *
 * @param longest longer text is cut, for a terminal
 */
function formatCell(value: unknown, longest = Number.POSITIVE_INFINITY): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return formatNumber(value);
  const text = oneLine(typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)));
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}

// Control characters would move the terminal's cursor, or worse: results may contain other people's data.
const oneLine = (text: string) =>
  text.replace(/\p{Cc}/gu, (character) => (character === '\n' ? '↵' : character === '\t' ? ' ' : '\ufffd'));
