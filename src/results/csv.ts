import { LongText } from '../storage/file/formats/long-text.js';
import type { StoredCell } from './engine.js';
import { linesInPieces } from './export/lines-in-pieces.js';

/** Spreadsheets take text that begins so for a formula; `-5` is a number, `-5+A1` is not. */
const FORMULA = /^(?:[=+@\t\r]|-(?!(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$))/i;

/**
 * CSV (RFC 4180) in pieces, as the rows come, with a header. Numbers are in full precision. A missing value is an empty cell,
 * null is `null`, empty text `""` and the text null `"null"`. Text that a spreadsheet would execute gets a `'` in front.
 */
export async function* toCsv(
  columns: readonly string[],
  batches: AsyncIterable<readonly (readonly StoredCell[])[]>,
): AsyncGenerator<string, void> {
  yield `${columns.map((name) => quote(escapeFormula(name))).join(',')}\n`;
  yield* linesInPieces(batches, { before: '', after: '', cells: (row) => row.map(toText) });
}

function toText(cell: StoredCell): string | Iterable<string> {
  if (cell === undefined) return '';
  if (cell instanceof LongText) return cell.head.startsWith('-') ? toText(cell.text()) : longText(cell);
  if (typeof cell === 'string')
    return cell === '' || cell === 'null' ? `"${cell}"` : quote(escapeFormula(cell));
  return typeof cell === 'object' && cell !== null ? quote(JSON.stringify(cell)) : String(cell);
}

function* longText(text: LongText): Generator<string, void> {
  const quoted = needsQuotes(text);
  const mark = quoted ? '"' : '';
  yield FORMULA.test(text.head) ? `${mark}'` : mark;
  for (const piece of text.pieces()) yield quoted ? piece.replaceAll('"', '""') : piece;
  yield mark;
}

function needsQuotes(text: LongText): boolean {
  for (const piece of text.pieces()) if (QUOTED.test(piece)) return true;
  return false;
}

const QUOTED = /[",\r\n]/;
const quote = (text: string) => (QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

const escapeFormula = (text: string) => (FORMULA.test(text) ? `'${text}` : text);
