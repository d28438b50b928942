import { expect, test } from 'vitest';
import { residentBytes } from '../../../src/execution/local/memory.js';

test('a process’s memory is what it says of itself, whatever the size of a page is', () => {
  const seen = residentBytes(process.pid)!;
  const own = process.memoryUsage.rss();
  expect(seen / own).toBeGreaterThan(0.7);
  expect(seen / own).toBeLessThan(1.4);
  expect(residentBytes(2 ** 22 + 1)).toBeUndefined();
});
