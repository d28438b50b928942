const SIGNIFICANT_DIGITS = 6;

/**
 * Formats a value for a table: on one line, numbers at most six significant digits. `--json` and `--csv` have all.
 *
 * @param longest longer text is cut, for a terminal
 */
export function formatCell(value: unknown, longest = Number.POSITIVE_INFINITY): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return formatNumber(value);
  const text = oneLine(typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)));
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}

/** Whole numbers unchanged; others rounded, in exponential form if that is shorter. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(SIGNIFICANT_DIGITS)));
}

// Control characters would move the terminal's cursor, or worse: results may contain other people's data.
const oneLine = (text: string) =>
  text.replace(/\p{Cc}/gu, (character) => (character === '\n' ? '↵' : character === '\t' ? ' ' : '\ufffd'));

/** Milliseconds as `3.2 ms`, `4.1 s`, `2 min 5 s`, `3 h 20 min`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Number(milliseconds.toPrecision(3))} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${Number(seconds.toPrecision(3))} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
