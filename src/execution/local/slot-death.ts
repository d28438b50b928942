import type { ErrorDescription } from '../../definition/errors.js';
import { formatBytes } from '../../definition/format-bytes.js';
import { isSameAttempt, monotonicMs, type Note } from '../../runner/protocol/note.js';
import type { LostRun } from '../../runner/protocol/protocol.js';

/** Why the parent killed a slot. */
export type KillReason =
  | { readonly kind: 'timeout'; readonly timeoutMs: number; readonly run: Note | undefined }
  /** `run`: the run seen in progress; undefined if there was none. */
  | { readonly kind: 'memory'; readonly usedBytes: number; readonly run: Note | undefined }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'start'; readonly waitedMs: number };

/** How a slot's process ended. */
export interface SlotDeath {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly killed: KillReason | undefined;
  readonly note: Note | undefined;
  readonly output: string;
  readonly memoryBytes: number;
}

/**
 * The run that died with a slot, if one was in progress. A run that began between the last look at its predecessor and
 * the kill has not failed: it is not lost but executed again.
 */
export function lostRun(death: SlotDeath, memoryEscalations = 0): LostRun | undefined {
  const { note, output, killed } = death;
  if (!note || note.state === 'idle') return undefined;
  if (killed && 'run' in killed && !(killed.run && isSameAttempt(killed.run, note))) return undefined;
  return {
    position: note.position,
    attempt: note.attempt,
    started_at: new Date(note.started_at).toISOString(),
    duration_ms: Math.max(0, monotonicMs() - note.started_monotonic),
    error: describeDeath(death, memoryEscalations),
    output,
    ...(killed?.kind === 'cancel' ? { cancelled: true } : {}),
    ...(killed?.kind === 'memory' ? { max_rss_bytes: killed.usedBytes } : {}),
  };
}

/**
 * Describes a slot's death, as a run's error.
 *
 * @param memoryEscalations how often its memory limit was increased before
 */
export function describeDeath(death: SlotDeath, memoryEscalations = 0): ErrorDescription {
  const { killed, signal, exitCode, note, output, memoryBytes } = death;
  const grown = memoryEscalations > 0 ? `, which had already grown ${memoryEscalations} times` : '';
  const limit = `${formatBytes(memoryBytes)}${grown}`;
  switch (killed?.kind) {
    case 'timeout':
      return {
        type: 'TimeoutError',
        message: `the run took longer than its timeout of ${killed.timeoutMs / 1000} s and could not be interrupted: its process was ended`,
      };
    case 'memory':
      return {
        type: 'MemoryError',
        message: `the run used ${formatBytes(killed.usedBytes)} of memory, over its limit of ${limit}`,
      };
    case 'cancel':
      return {
        type: 'AbortError',
        message: 'the run was cancelled and could not be interrupted: its process was ended',
      };
    case 'start':
      return {
        type: 'TimeoutError',
        message: `importing the operation took longer than ${killed.waitedMs / 1000} s`,
      };
  }
  if (/heap out of memory|allocation failed/i.test(output)) {
    return {
      type: 'MemoryError',
      message: `the run exhausted its heap, within its memory limit of ${limit}`,
    };
  }
  if (note?.state === 'given_up' && note.exit_code !== null) {
    return {
      type: 'ProcessExit',
      message: `the operation ended the process with exit code ${note.exit_code}`,
    };
  }
  const end = signal ? `was ended by ${signal}${SIGNALS[signal] ?? ''}` : `exited with code ${exitCode}`;
  return {
    type: 'CrashError',
    message: `the run's process ${end}${output ? `\n${lastLines(output)}` : ''}`,
  };
}

/**
 * Whether more memory might have prevented it. The system's out-of-memory killer uses the same signal as everybody
 * else.
 */
export const isOfMemory = (death: SlotDeath): boolean =>
  describeDeath(death).type === 'MemoryError' || (death.signal === 'SIGKILL' && !death.killed);

const SIGNALS: { readonly [signal: string]: string } = {
  SIGSEGV: ': a crash in native code',
  SIGBUS: ': a crash in native code',
  SIGILL: ': a crash in native code',
  SIGFPE: ': a crash in native code',
  SIGABRT: ': it aborted itself',
  SIGKILL: ': by a user, or by the system for lack of memory',
};

const lastLines = (text: string) => text.split('\n').slice(-5).join('\n');
