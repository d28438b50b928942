import type { Writable } from 'node:stream';
import { TimeLimit, untilAborted } from './time-limit.js';
import type { CommandResult, CommandStream, RunOptions, StreamOptions } from './transport.js';
import { timeoutError } from './transport-error.js';

/** A command that runs: what the transports have in common of it. */
export interface StartedCommand {
  readonly stdin: Writable;
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  /** Rejects with TransportError where nobody can say how it ended. */
  readonly exit: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>;
  /** Ends it and what it started, as far as that can be done. Doesn't wait. */
  kill(): void;
}

/** Starts a command; rejects with the signal's reason once that is aborted. */
export type StartCommand = (command: readonly string[], signal: AbortSignal) => Promise<StartedCommand>;

const TIMEOUT_MS = 60_000;
const STDERR_TAIL = 64 * 1024;

/** `Transport.run` by a way to start commands. */
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

/** `Transport.stream` by a way to start commands. */
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
  // Whoever only reads the output hears of a fault there.
  ended.catch(() => {});
  return { stdout: output(started, limit.signal), ended };
}

/** The output; where it ends for another reason than the command's end, that is thrown, so that none is taken for whole. */
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
  // A command may end without reading all of it: that is its own affair.
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
