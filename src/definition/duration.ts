const UNITS = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * A duration: milliseconds; a string such as `'500ms'`, `'90s'`, `'15m'`, `'2h'`, `'1d'`, `'1h30m'`; or one with colons as
 * Slurm reads it: `'30:00'` (minutes and seconds), `'01:30:00'`, `'1-12'` (days and hours), `'1-12:00:00'`.
 */
export type Duration = number | string;

/** @returns milliseconds, or `undefined` if the value is not a positive duration. */
export function parseDuration(value: Duration): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value > 0 ? value : undefined;
  const text = value.trim();
  const total = parseUnits(text) ?? parseClock(text) ?? 0;
  return total > 0 ? total : undefined;
}

function parseUnits(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d)\s*/gy)];
  if (parts.length === 0 || parts.reduce((length, part) => length + part[0].length, 0) !== text.length)
    return undefined;
  return parts.reduce((sum, part) => sum + Number(part[1]) * UNITS[part[2] as keyof typeof UNITS], 0);
}

/** `m:s`, `h:m:s`, `d-h`, `d-h:m`, `d-h:m:s`. Slurm's `m` alone is not accepted: it could be taken for milliseconds. */
function parseClock(text: string): number | undefined {
  const match = /^(?:(\d+)-)?(\d+)(?::(\d{1,2}))?(?::(\d{1,2}))?$/.exec(text);
  if (!match) return undefined;
  const [days, ...numbers] = match.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
  const [first = 0, second, third] = numbers;
  if (days === undefined && second === undefined) return undefined;
  const startsWithMinutes = days === undefined && third === undefined;
  const [hours, minutes = 0, seconds = 0] = startsWithMinutes ? [0, first, second] : [first, second, third];
  return (days ?? 0) * UNITS.d + hours * UNITS.h + minutes * UNITS.m + seconds * UNITS.s;
}
