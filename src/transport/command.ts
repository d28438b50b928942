import type { Writable } from 'node:stream';
import { TimeLimit, untilAborted } from './time-limit.js';
import type { CommandResult, CommandStream, RunOptions, StreamOptions } from './transport.js';
import { timeoutError } from './transport-error.js';

/** A running command: what the transports have in common. */
export interface StartedCommand {
  readonly stdin: Writable;
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  /** Rejects with TransportError if it is unknown how the command ended. */
  readonly exit: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>;
  /** Ends the command and the processes that it started, as far as possible. Does not wait. */
  kill(): void;
}

/** Starts a command; rejects with the signal's reason once that is aborted. */
export type StartCommand = (command: readonly string[], signal: AbortSignal) => Promise<StartedCommand>;

const TIMEOUT_MS = 60_000;
const STDERR_TAIL = 64 * 1024;

/** Implements `Transport.run` with a function that starts commands. */
export async function runCommand(
  place: string,
  start: StartCommand,
  command: readonly string[],
  options: RunOptions = {},
): Promise<CommandResult> {
  const timeout_ms = options.timeout_ms ?? TIMEOUT_MS;
  const limit = new TimeLimit(timeout_ms, options.signal, () =>
    timeoutError(place, `the command ${command[0]}`, timeout_ms),
  );
  try {
    const started = await start(command, limit.signal);
    const parts = Promise.all([collect(started.stdout), collect(started.stderr), started.exit]);
    limit.signal.addEventListener('abort', () => started.kill());
    feed(started.stdin, options.stdin);
    const [stdout, stderr, exit] = await untilAborted(parts, limit.signal);
    return { ...exit, stdout, stderr };
  } finally {
    limit.done();
  }
}

/** Implements `Transport.stream` with a function that starts commands. */
export async function streamCommand(
  start: StartCommand,
  command: readonly string[],
  options: StreamOptions = {},
): Promise<CommandStream> {
  const limit = new TimeLimit(Number.POSITIVE_INFINITY, options.signal, () => new Error());
  const started = await start(command, limit.signal);
  limit.signal.addEventListener('abort', () => started.kill());
  feed(started.stdin, options.stdin);
  const stderr = collect(started.stderr, STDERR_TAIL);
  const ended = untilAborted(Promise.all([stderr, started.exit]), limit.signal)
    .then(([text, exit]) => ({ ...exit, stdout: '', stderr: text }))
    .finally(() => limit.done());
  // Callers that only read the output get the error there.
  ended.catch(() => {});
  return { stdout: output(started, limit.signal), ended };
}

/**
 * The output. If it ends for another reason than the command's end, that error is thrown, so that truncated output is
 * not taken for complete.
 */
async function* output(started: StartedCommand, signal: AbortSignal): AsyncIterable<Uint8Array> {
  let whole = false;
  const chunks = started.stdout[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await untilAborted(chunks.next(), signal);
      if (done) break;
      yield value;
    }
    await untilAborted(started.exit, signal);
    whole = true;
  } finally {
    if (!whole) started.kill();
    void chunks.return?.();
  }
}

function feed(stdin: Writable, content: string | Uint8Array | undefined): void {
  // A command may exit without reading all of its input, which is no error.
  stdin.on('error', () => {});
  if (content === undefined || content.length === 0) stdin.end();
  else stdin.end(content);
}

async function collect(chunks: AsyncIterable<Uint8Array>, last = Number.POSITIVE_INFINITY): Promise<string> {
  const kept: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    kept.push(chunk);
    size += chunk.length;
    while (kept.length > 1 && size - kept[0]!.length >= last) size -= kept.shift()!.length;
  }
  return Buffer.concat(kept).toString('utf8');
}
