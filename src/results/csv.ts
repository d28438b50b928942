import type { Cell } from './query/cell.js';

/** Spreadsheets take text that begins so for a formula; `-5` is a number, `-5+A1` is not. */
const FORMULA = /^(?:[=+@\t\r]|-(?!(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$))/i;

/**
 * CSV (RFC 4180) in pieces, as the rows come, with a header. Numbers are in full precision. A missing value is an empty cell,
 * null is `null`, empty text `""` and the text null `"null"`. Text that a spreadsheet would execute gets a `'` in front.
 */
export async function* toCsv(
  columns: readonly string[],
  batches: AsyncIterable<readonly (readonly Cell[])[]>,
): AsyncGenerator<string, void> {
  yield `${columns.map((name) => quote(escapeFormula(name))).join(',')}\n`;
  for await (const rows of batches) yield rows.map((row) => `${row.map(toText).join(',')}\n`).join('');
}

function toText(cell: Cell): string {
  if (cell === undefined) return '';
  if (typeof cell === 'string')
    return cell === '' || cell === 'null' ? `"${cell}"` : quote(escapeFormula(cell));
  return typeof cell === 'object' && cell !== null ? quote(JSON.stringify(cell)) : String(cell);
}

const quote = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

const escapeFormula = (text: string) => (FORMULA.test(text) ? `'${text}` : text);
