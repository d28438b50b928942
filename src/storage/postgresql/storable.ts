import type { JsonValue } from '../../definition/json.js';
import { wellFormedJson } from '../../definition/well-formed.js';

/** What PostgreSQL's text can't hold, as a sign that people see. */
const ZERO = '\u2400';

/** A text without zero bytes. */
export const storableText = (text: string): string =>
  text.includes('\0') ? text.replaceAll('\0', ZERO) : text;

/**
 * JSON that jsonb can hold: without zero bytes and halves of surrogate pairs, and with numbers that are not finite as the texts that PostgreSQL casts to
 * `double precision`: "NaN", "Infinity", "-Infinity".
 *
 * @param plain whether all numbers in it are known to be finite
 */
export function storableJson(value: unknown, plain: boolean): string {
  if (Array.isArray(value) && value.length === 0) return '[]';
  const text = plain ? JSON.stringify(value) : JSON.stringify(value, replaceNonFinite);
  if (text === undefined) return 'null';
  const whole = wellFormedJson(text);
  return whole.includes('\\u0000') ? JSON.stringify(withoutZeros(JSON.parse(whole) as JsonValue)) : whole;
}

const replaceNonFinite = (_key: string, value: unknown) =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

function withoutZeros(value: JsonValue): JsonValue {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(withoutZeros);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [storableText(key), withoutZeros(item as JsonValue)]),
  );
}
