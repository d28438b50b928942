import { CANCEL_GRACE_MS } from '../protocol/protocol.js';
import { describeRunError } from './describe-run-error.js';
import type { Interruption } from './run.js';

/** How long an operation has to settle after its AbortSignal fired. The parent waits 1 s longer, then kills. */
const GRACE_MS = 1_000;

export function timeoutInterruption(timeoutMs: number): Interruption {
  const message = `the run took longer than its timeout of ${timeoutMs / 1000} s`;
  return {
    status: 'failed',
    error: { type: 'TimeoutError', message },
    reason: named('TimeoutError', message),
    graceMs: GRACE_MS,
  };
}

/** An unhandled rejection or uncaught error: it fails the run in which it occurred. */
export function unhandledErrorInterruption(thrown: unknown, kind: 'rejection' | 'exception'): Interruption {
  const error = describeRunError(thrown);
  const origin =
    kind === 'rejection'
      ? 'rejected in a promise that nobody awaits'
      : 'thrown outside of the run, from a timer or an event';
  const message = `${error.message} (${origin})`;
  return {
    status: 'failed',
    error: { ...error, message },
    reason: named(error.type, message),
    graceMs: GRACE_MS,
  };
}

export function cancelInterruption(): Interruption {
  return {
    status: 'cancelled',
    error: null,
    reason: named('AbortError', 'the submission was cancelled'),
    graceMs: CANCEL_GRACE_MS,
  };
}

/** For an operation whose promise nothing can settle: Node would end the process with exit code 13. */
export const neverSettles = (): Error =>
  named(
    'NeverSettlesError',
    'the operation waits for a promise that nothing can settle any more: it has no timer, I/O, child process or worker left; make sure that every path resolves or rejects the promise',
  );

function named(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
