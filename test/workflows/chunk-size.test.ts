import { describe, expect, it } from 'vitest';
import { CHUNK_BUDGET_MS, chunkSize } from '../../src/workflows/chunk-size.js';
import { Ranges } from '../../src/workflows/ranges.js';

/** Plays a sweep on slots with a clock of its own. Returns how busy they were until the last run ended. */
function play(durations: readonly number[], slots: number, perChunkMs: number) {
  const ranges = new Ranges([{ from: 0, to: durations.length }]);
  const free = Array.from({ length: slots }, () => 0);
  let [done, busy, chunks] = [0, 0, 0];
  const running: {
    at: number;
    slot: number;
    back: { from: number; to: number };
    count: number;
    took: number;
  }[] = [];
  for (;;) {
    while (running.length < slots && ranges.size > 0) {
      const slot = free.indexOf(
        Math.min(...free.filter((_, index) => !running.some((chunk) => chunk.slot === index))),
      );
      const range = ranges.take(
        chunkSize(ranges.size, slots, slots - running.length, done > 0 ? busy / done : undefined),
      )!;
      let [at, took] = [range.from, 0];
      while (at < range.to && took < CHUNK_BUDGET_MS) took += durations[at++]!;
      chunks++;
      const back = { from: at, to: range.to };
      running.push({ at: free[slot]! + perChunkMs + took, slot, back, count: at - range.from, took });
    }
    const next = running.sort((a, b) => a.at - b.at).shift();
    if (!next) break;
    for (const [slot, time] of free.entries())
      if (!running.some((chunk) => chunk.slot === slot)) free[slot] = Math.max(time, next.at);
    ranges.giveBack(next.back);
    done += next.count;
    busy += next.took;
  }
  return { utilisation: busy / slots / Math.max(...free), chunks, done };
}

describe('chunk sizes', () => {
  it('keep slots busy on a sorted grid of many short runs and a few long ones', () => {
    const durations = [
      ...Array.from({ length: 10_000 }, () => 1),
      ...Array.from({ length: 20 }, () => 6_000),
    ];
    const { utilisation, done } = play(durations, 2, 8);
    expect(done).toBe(durations.length);
    expect(utilisation).toBeGreaterThan(0.95);
  });

  it('make one chunk of a long run', () => {
    const { chunks } = play(
      Array.from({ length: 30 }, () => 60_000),
      2,
      8,
    );
    expect(chunks).toBe(30);
  });

  it('make few chunks of very short runs', () => {
    const { chunks, done } = play(
      Array.from({ length: 100_000 }, () => 0.01),
      2,
      8,
    );
    expect(done).toBe(100_000);
    expect(chunks).toBeLessThan(40);
  });

  it('are at least one run, and leave something to every slot', () => {
    expect(chunkSize(1, 8, 8, 5)).toBe(1);
    expect(chunkSize(40_000, 2, 2, 0.001)).toBe(20_000);
  });
});
