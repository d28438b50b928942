import type { PythonValue } from './python-json.js';

const TIME =
  /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?\s*(?:(Z)|([+-]\d\d):?(\d\d)?(?::?\d\d)?)?$/;

/**
 * Wall-clock milliseconds of what Python's `isoformat()` and `logging` write. A time without a zone is in the local time
 * of whoever wrote it: it is taken for this machine's.
 *
 * @returns `undefined` where it is no time
 */
export function parsePythonTime(value: PythonValue | undefined): number | undefined {
  if (typeof value === 'number') return inMilliseconds(value);
  const found = typeof value === 'string' ? TIME.exec(value.trim()) : null;
  if (!found) return undefined;
  const [, day, time, fraction = '', utc, hours, minutes = '00'] = found;
  const zone = utc ?? (hours === undefined ? '' : `${hours}:${minutes}`);
  const seconds = time!.length === 5 ? `${time}:00` : time;
  const at = Date.parse(`${day}T${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}${zone}`);
  return Number.isNaN(at) ? undefined : at;
}

/** Seconds since 1970 from `time.time()`; larger numbers are milliseconds already. */
function inMilliseconds(value: number): number | undefined {
  if (!Number.isFinite(value) || value < 0) return undefined;
  return value < 1e11 ? value * 1000 : value;
}
