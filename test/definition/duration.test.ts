import { expect, it } from 'vitest';
import { parseDuration } from '../../src/definition/duration.js';

it.each([
  [1500, 1_500],
  ['500ms', 500],
  ['90s', 90_000],
  ['1.5s', 1_500],
  ['15m', 900_000],
  ['15min', 900_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['1h30m', 5_400_000],
  [' 1 h 30 min ', 5_400_000],
  ['01:30:00', 5_400_000],
  ['30:00', 1_800_000],
  ['1-12:00:00', 129_600_000],
  ['1-12', 129_600_000],
  ['2-00:30', 174_600_000],
])('reads %j as %d milliseconds', (value, milliseconds) => {
  expect(parseDuration(value)).toBe(milliseconds);
});

it.each([
  '',
  '90',
  's',
  '90x',
  '-5s',
  '5s!',
  '1h and 5s',
  '0s',
  '00:00',
  '1:2:3:4',
  '1:300',
  '-1:30',
  'Infinity',
  0,
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
])('does not read %j', (value) => {
  expect(parseDuration(value)).toBeUndefined();
});
