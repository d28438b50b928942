import { isLongValue, LongText, LongTextList, type LongValue } from '../storage/file/formats/long-text.js';
import { isLarge, jsonPieces } from './export/json-pieces.js';
import { type Batches, linesInPieces } from './export/lines-in-pieces.js';
import { textPieces } from './export/text-pieces.js';
import type { StoredCell } from './query/cell.js';

/** A text of fewer characters is written in one step. */
const PIECE_LENGTH = 1 << 20;

/** Spreadsheets take text that begins so for a formula; `-5` is a number, `-5+A1` is not. */
const FORMULA = /^(?:[=+@\t\r]|-(?!(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$))/i;

/**
 * CSV (RFC 4180) in pieces, as the rows come, with a header. Numbers are in full precision. A missing value is an empty cell,
 * null is `null`, empty text `""` and the text null `"null"`. Text that a spreadsheet would execute gets a `'` in front.
 */
export async function* toCsv(
  columns: readonly (string | LongValue)[],
  batches: Batches<readonly StoredCell[]>,
): AsyncGenerator<string, void> {
  yield* linesInPieces([[columns]], { before: '', after: '', cells: (row) => row.map(titleText) });
  yield* linesInPieces(batches, { before: '', after: '', cells: (row) => row.map(toText) });
}

const titleText = (name: string | LongValue) =>
  isLongValue(name) ? toText(name) : quote(escapeFormula(name));

function toText(cell: StoredCell): string | Iterable<string> {
  if (cell === undefined) return '';
  if (cell instanceof LongTextList) return quotedPieces(cell.json());
  if (cell instanceof LongText)
    return cell.head.startsWith('-') ? toText(cell.text()) : longText(cell.head, () => cell.pieces());
  if (typeof cell === 'string' && cell.length > PIECE_LENGTH)
    return longText(cell, () => textPieces(cell, PIECE_LENGTH));
  if (typeof cell === 'string')
    return cell === '' || cell === 'null' ? `"${cell}"` : quote(escapeFormula(cell));
  if (typeof cell !== 'object' || cell === null) return String(cell);
  return isLarge(cell) ? quotedPieces(jsonPieces(cell)) : quote(JSON.stringify(cell));
}

/** @param pieces of the text, as often as they are asked for */
function* longText(head: string, pieces: () => Iterable<string>): Generator<string, void> {
  const before = FORMULA.test(head) ? "'" : '';
  if (needsQuotes(pieces())) return yield* quotedPieces(pieces(), before);
  yield before;
  yield* pieces();
}

function* quotedPieces(pieces: Iterable<string>, before = ''): Generator<string, void> {
  yield `"${before}`;
  for (const piece of pieces) yield piece.replaceAll('"', '""');
  yield '"';
}

function needsQuotes(pieces: Iterable<string>): boolean {
  for (const piece of pieces) if (QUOTED.test(piece)) return true;
  return false;
}

const QUOTED = /[",\r\n]/;
const quote = (text: string) => (QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

const escapeFormula = (text: string) => (FORMULA.test(text) ? `'${text}` : text);
