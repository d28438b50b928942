import type { Cell } from '../../results/query/cell.js';

/**
 * A cell as a table shows it: what looks equal is equal. Null is `null`, empty text `""`, and text that looks like one of
 * these, or stands beside numbers, is in quotes.
 *
 * @param mixed whether the column has values of other types
 */
export function toShown(cell: Cell, mixed: boolean): Cell {
  if (cell === null) return 'null';
  if (typeof cell === 'string' && (mixed || cell === '' || cell === 'null' || cell.startsWith('"')))
    return JSON.stringify(cell);
  return cell;
}

/** Whether text stands beside values of other types. */
export const isMixed = (cells: readonly Cell[]): boolean =>
  cells.some((cell) => typeof cell === 'string') &&
  cells.some((cell) => cell !== undefined && cell !== null && typeof cell !== 'string');
