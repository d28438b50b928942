const SIGNIFICANT_DIGITS = 6;
/** A double has no more. */
const MAX_DIGITS = 17;

/** Whole numbers unchanged; others rounded, in exponential form if that is shorter. Digits before the point are never rounded. */
export function formatNumber(value: number, digits = SIGNIFICANT_DIGITS): string {
  if (Number.isInteger(value) || !Number.isFinite(value)) return String(value);
  const whole = Math.floor(Math.log10(Math.abs(value))) + 1;
  return String(Number(value.toPrecision(Math.min(MAX_DIGITS, Math.max(digits, whole)))));
}

/**
 * Formats the numbers of one column: with so many digits that two different ones look different.
 *
 * @param numbers all of them
 */
export function numberFormat(numbers: readonly number[]): (value: number) => string {
  for (let digits = SIGNIFICANT_DIGITS; digits < MAX_DIGITS; digits++) {
    const looks = new Map<string, number>();
    const differ = numbers.every((value) => {
      const text = formatNumber(value, digits);
      const same = looks.get(text);
      looks.set(text, value);
      return same === undefined || Object.is(same, value);
    });
    if (differ) return (value) => formatNumber(value, digits);
  }
  return String;
}
