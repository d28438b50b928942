import { encodeNumber, numberText } from '../../definition/non-finite.js';
import { isLongValue } from '../../storage/file/formats/long-text.js';
import { textPieces } from './text-pieces.js';

/** A value of fewer characters, roughly, is converted in one step. */
const PIECE_LENGTH = 1 << 20;

/** Whether its JSON is in several pieces. */
export const isLarge = (value: unknown): boolean => sizeOf(value, PIECE_LENGTH) > PIECE_LENGTH;

/**
 * The JSON of plain data, in pieces: as JSON.stringify writes it, with NaN and infinities as in records. So a text of 100 MB is
 * not in memory twice.
 */
export function* jsonPieces(value: unknown): Generator<string, void> {
  if (isLongValue(value)) yield* value.json();
  else if (typeof value === 'string' && value.length > PIECE_LENGTH) yield* quotedPieces(value);
  else if (typeof value !== 'object' || value === null || !isLarge(value))
    yield JSON.stringify(value, (_, each) => encodeNumber(each)) ?? 'null';
  else yield* membersOf(value);
}

function* quotedPieces(text: string): Generator<string, void> {
  yield '"';
  for (const piece of textPieces(text, PIECE_LENGTH)) yield JSON.stringify(piece).slice(1, -1);
  yield '"';
}

/** Neighbours that are small are one piece. */
function* membersOf(value: object): Generator<string, void> {
  const isList = Array.isArray(value);
  let text = isList ? '[' : '{';
  let comma = '';
  // The keys alone: pairs of millions of members take as much again as these.
  for (const key of isList ? value.keys() : Object.keys(value)) {
    const member = (value as { readonly [key: string | number]: unknown })[key];
    if (member === undefined && !isList) continue;
    text += isList ? comma : `${comma}${JSON.stringify(key)}:`;
    comma = ',';
    for (const piece of typeof member === 'number' ? [numberText(member)] : jsonPieces(member)) {
      text += piece;
      if (text.length <= PIECE_LENGTH) continue;
      yield text;
      text = '';
    }
  }
  yield text + (isList ? ']' : '}');
}

/** About how many characters a value takes, counted as far as to `most`. */
export function sizeOf(value: unknown, most: number): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return 8;
  if (isLongValue(value)) return most + 1;
  let size = 2;
  // Not `in`: of a list, it makes texts of all indexes before the first.
  if (Array.isArray(value)) {
    for (const item of value) {
      size += 1 + sizeOf(item, most - size);
      if (size > most) break;
    }
    return size;
  }
  for (const key in value) {
    size += key.length + 4 + sizeOf((value as { readonly [key: string]: unknown })[key], most - size);
    if (size > most) break;
  }
  return size;
}
