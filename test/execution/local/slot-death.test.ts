import { describe, expect, test } from 'vitest';
import { type KillReason, lostRun } from '../../../src/execution/local/slot-death.js';
import type { Note } from '../../../src/runner/protocol-note.js';

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

test('a slot that nobody killed, or that was being cancelled, loses the run in its note', () => {
  expect(lost(undefined, SEEN)).toMatchObject({ position: 4, error: { type: 'CrashError' } });
  expect(lost({ kind: 'cancel' }, SEEN)).toMatchObject({ position: 4, cancelled: true });
});
