import { describe, expect, test } from 'vitest';
import { type KillReason, lostRun } from '../../../src/execution/local/slot-death.js';
import type { Note } from '../../../src/runner/protocol/note.js';

const SEEN: Note = {
  state: 'running',
  position: 4,
  attempt: 1,
  started_at: 1_700_000_000_000,
  started_monotonic: 1_000,
  progress: null,
  exit_code: null,
};

const lost = (killed: KillReason | undefined, note: Note) =>
  lostRun({ exitCode: null, signal: 'SIGKILL', killed, note, output: '', memoryBytes: 2 ** 28 });

describe.each([
  ['time', (run: Note | undefined): KillReason => ({ kind: 'timeout', timeoutMs: 300, run })],
  ['memory', (run: Note | undefined): KillReason => ({ kind: 'memory', usedBytes: 2 ** 29, run })],
])('a slot killed over its %s', (_, reason) => {
  test('loses the run that was seen, however far it came since', () => {
    const note = { ...SEEN, progress: 0.5, state: 'given_up' as const };
    expect(lost(reason(SEEN), note)).toMatchObject({ position: 4, attempt: 1 });
  });

  test.each([
    ['position', { position: 5 }],
    ['attempt', { attempt: 2 }],
    ['time of beginning', { started_at: SEEN.started_at + 1 }],
  ])('does not lose a run of another %s, which began before the kill', (_name, other) => {
    expect(lost(reason(SEEN), { ...SEEN, ...other })).toBeUndefined();
  });

  test('does not lose a run that began after none was seen', () => {
    expect(lost(reason(undefined), SEEN)).toBeUndefined();
  });
});

test('a run killed for its memory is told the limit, and how often that had grown', () => {
  const death = { exitCode: null, signal: 'SIGKILL', note: SEEN, memoryBytes: 2 ** 28 } as const;
  const killed = { kind: 'memory', usedBytes: 2 ** 29, run: SEEN } as const;
  expect(lostRun({ ...death, killed, output: '' })?.error.message).toBe(
    'the run used 512 MiB of memory, over its limit of 256 MiB',
  );
  expect(lostRun({ ...death, killed, output: '' }, 2)?.error.message).toBe(
    'the run used 512 MiB of memory, over its limit of 256 MiB, which had already grown 2 times',
  );
  const heap = { ...death, killed: undefined, output: 'FATAL ERROR: JavaScript heap out of memory' };
  expect(lostRun(heap, 2)?.error.message).toContain('which had already grown 2 times');
});

test('a slot that nobody killed, or that was being cancelled, loses the run in its note', () => {
  expect(lost(undefined, SEEN)).toMatchObject({ position: 4, error: { type: 'CrashError' } });
  expect(lost({ kind: 'cancel' }, SEEN)).toMatchObject({ position: 4, cancelled: true });
});
