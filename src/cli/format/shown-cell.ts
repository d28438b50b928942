import type { Cell } from '../../results/query/cell.js';

/**
 * A cell as a table shows it: what looks equal is equal. Null is `null`, empty text `""`, and text beside numbers is in quotes.
 *
 * @param mixed whether the column has values of other types
 */
export function toShown(cell: Cell, mixed: boolean): Cell {
  if (cell === null) return 'null';
  if (typeof cell === 'string' && (cell === '' || mixed)) return JSON.stringify(cell);
  return cell;
}
