import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepBeating } from '../../src/activities/heartbeat.js';
import { beginAttempt } from './activity-context.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('work whose process was stopped for long is told so, since another worker may have its chunk', async () => {
  const { run, heartbeats } = beginAttempt();
  await run(() =>
    keepBeating(async ({ wasAsleep }) => {
      vi.advanceTimersByTime(60_000);
      expect(heartbeats).toHaveLength(30);
      expect(wasAsleep()).toBe(false);
      // The clock goes on, and no timer does.
      vi.setSystemTime(Date.now() + 11_000);
      expect(wasAsleep()).toBe(true);
      // Heartbeats that come again take nothing back.
      vi.advanceTimersByTime(60_000);
      expect(wasAsleep()).toBe(true);
    }),
  );
  expect(vi.getTimerCount()).toBe(0);
});
