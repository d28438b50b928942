import { expect, test } from 'vitest';
import { isoTime } from '../../../../src/storage/file/formats/iso-time.js';

test('times are written as toISOString writes them, whatever came before', () => {
  const times = [
    0, 999, 1000, 1_700_000_000_123, 1_700_000_000_124, 1_699_999_999_999, 1_700_000_001_000,
    253_402_300_799_999,
  ];
  for (const ms of times) expect(isoTime(ms)).toBe(new Date(ms).toISOString());
});
