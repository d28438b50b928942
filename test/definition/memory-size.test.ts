import { expect, it } from 'vitest';
import { parseMemorySize } from '../../src/definition/memory-size.js';

it.each([
  [1_000_000, 1_000_000],
  ['1000', 1_000],
  ['100B', 100],
  ['64k', 65_536],
  ['512M', 536_870_912],
  ['512MB', 536_870_912],
  ['4G', 4_294_967_296],
  ['1.5GiB', 1_610_612_736],
  [' 2 gib ', 2_147_483_648],
  ['1T', 1_099_511_627_776],
])('reads %j as %d bytes', (value, bytes) => {
  expect(parseMemorySize(value)).toBe(bytes);
});

it.each(['', 'M', '4X', '4G 5M', '-1G', '0', '0.1', 0, -5, Number.NaN, Number.POSITIVE_INFINITY])(
  'does not read %j',
  (value) => {
    expect(parseMemorySize(value)).toBeUndefined();
  },
);
