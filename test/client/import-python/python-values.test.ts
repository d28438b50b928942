import { expect, test } from 'vitest';
import { parsePythonJson } from '../../../src/client/import-python/python-json.js';
import { parsePythonTime } from '../../../src/client/import-python/python-time.js';

// Where local time is UTC, a zone that is ignored would not be noticed.
process.env.TZ = 'America/New_York';

test("numbers that only Python's JSON has are read, and text that looks like them stays text", () => {
  const json = String.raw`{"a": NaN, "b": [-Infinity, Infinity], "NaN": "NaN, \"Infinity\\", "id": "12345678901234567890",
    "big": -12345678901234567890, "safe": 9007199254740991, "f": 0.30000000000000004, "e": 1234567890123456e3}`;
  expect(parsePythonJson(json)).toEqual({
    a: Number.NaN,
    b: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    NaN: 'NaN, "Infinity\\',
    id: '12345678901234567890',
    big: -12345678901234567890n,
    safe: 9007199254740991,
    f: 0.30000000000000004,
    e: 1234567890123456e3,
  });
  for (const torn of ['{"a": NaN', '{"a": "NaN}', '', 'nan']) expect(() => parsePythonJson(torn)).toThrow();
});

test.each([
  ['2025-03-01T09:00:00.123456+02:00', '2025-03-01T07:00:00.123Z'],
  ['2025-03-01 09:00:00,5Z', '2025-03-01T09:00:00.500Z'],
  ['2025-03-01T09:00-0130', '2025-03-01T10:30:00.000Z'],
  [1740819600.25, '2025-03-01T09:00:00.250Z'],
])('the time %s is %s', (text, iso) => {
  expect(new Date(parsePythonTime(text)!).toISOString()).toBe(iso);
});

test('a time without a zone is local, and what is no time is none', () => {
  expect(parsePythonTime('2025-03-01T09:00:00')).toBe(new Date(2025, 2, 1, 9).getTime());
  for (const none of ['yesterday', '2025-13-01T09:00:00', '', null, true, Number.NaN])
    expect(parsePythonTime(none)).toBeUndefined();
});
