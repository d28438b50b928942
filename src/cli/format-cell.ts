const MOST_CHARACTERS = 60;
const SIGNIFICANT_DIGITS = 6;

/** A value as a table shows it: on one line, numbers with at most six significant digits. `--json` and `--csv` have all. */
export function formatCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return formatNumber(value);
  const text = oneLine(typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)));
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 1)}…` : text;
}

/** Whole numbers as they are; others rounded, in the exponential form where that is shorter. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(SIGNIFICANT_DIGITS)));
}

// Control characters would move the terminal's cursor, or worse: results may come from others' data.
const oneLine = (text: string) =>
  text.replace(/\p{Cc}/gu, (character) => (character === '\n' ? '↵' : character === '\t' ? ' ' : '\ufffd'));
