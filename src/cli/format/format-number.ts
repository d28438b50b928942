const SIGNIFICANT_DIGITS = 6;

/** Whole numbers unchanged; others rounded, in exponential form if that is shorter. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(SIGNIFICANT_DIGITS)));
}

/** Whole numbers with thousands' separators, the same on every machine. */
export const formatCount = (count: number): string => count.toLocaleString('en-US');
