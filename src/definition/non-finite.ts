/**
 * JSON has no NaN and no infinities. Records and series write them as MongoDB's Extended JSON (v2) does:
 * `{"$numberDouble":"NaN"}`, `"Infinity"` or `"-Infinity"`. No metric is an object, so nothing else looks like it.
 */
export interface NonFiniteNumber {
  readonly $numberDouble: 'NaN' | 'Infinity' | '-Infinity';
}

/** A number as JSON text. */
export const numberText = (value: number): string =>
  Number.isFinite(value) ? `${value}` : `{"$numberDouble":"${value}"}`;

/** A value as JSON holds it: numbers that are not finite as {@link NonFiniteNumber}. */
export const encodeNumber = <T>(value: T): T | NonFiniteNumber =>
  typeof value === 'number' && !Number.isFinite(value)
    ? { $numberDouble: String(value) as NonFiniteNumber['$numberDouble'] }
    : value;

/** The opposite of {@link encodeNumber}. */
export function decodeNumber<T>(value: T): T | number {
  if (typeof value !== 'object' || value === null || !('$numberDouble' in value)) return value;
  return Number(value.$numberDouble);
}
