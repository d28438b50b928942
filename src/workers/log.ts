import { DefaultLogger, type LogEntry } from '@temporalio/worker';
import { messageOf } from '../definition/errors.js';

/** The slot worker has no workflows on purpose. */
const EXPECTED = /^No workflows registered/;

/**
 * One line per entry, with an error's message but not its stack: what concerns the user is reported where it happens.
 */
export function workerLogger(verbose: boolean): DefaultLogger {
  if (verbose) return new DefaultLogger('INFO');
  return new DefaultLogger('WARN', ({ level, message, timestampNanos, meta }: LogEntry) => {
    if (EXPECTED.test(message)) return;
    const at = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
    const what = [message, describe(meta?.error), meta?.workflowId].filter(Boolean).join(': ');
    process.stderr.write(`${at} ${level} ${what}\n`);
  });
}

const describe = (error: unknown) => (error === undefined ? '' : messageOf(error));
