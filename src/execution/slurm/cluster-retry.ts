import { MetalabError } from '../../definition/errors.js';
import { NO_ROOM } from '../../transport/room.js';
import type { CommandResult, RunOptions, Transport } from '../../transport/transport.js';
import { spaceError } from '../../transport/transport-error.js';
import type { AskOptions } from '../batch-executor.js';
import { ExecutionFault } from '../execution-fault.js';

/** What waits is told from here on, unless somebody is needed: then at once. */
const TELL_MS = 30_000;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;
/** These need somebody: to log in, to say that a host's new key is right, to make room. Others pass by themselves. */
const NEEDS_SOMEBODY = new Set(
  ['LOGIN', 'HOST_KEY', 'CONFIG', 'FILE', 'NO_SPACE'].map((fault) => `METALAB_TRANSPORT_${fault}`),
);

const NOTHING_DONE = { next: 0, success: 0, failed: 0, cancelled: 0, busy_ms: 0, means: {} };

export interface ClusterRetryOptions extends AskOptions {
  /** Past it, what is asked in vain is given up. Milliseconds; by default never. */
  readonly within_ms?: number;
  /** The same from when it was told to cancel. */
  readonly cancelled_within_ms?: number;
  /** What needs somebody is thrown: whoever asks is at a terminal, and can do it. By default it is waited for. */
  readonly throwNeeded?: boolean;
}

/** Runs a command until the cluster answers. */
export type AskCluster = (
  command: readonly string[],
  options?: RunOptions & {
    /** Whether a result is an answer; by default, exit code 0. Others are waited for, as a lost connection is. */
    readonly isAnswer?: (result: CommandResult) => boolean;
  },
) => Promise<CommandResult>;

/** Thrown by what is asked, where the answer decides nothing: it is asked again. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

export const isTransportError = (thrown: unknown): thrown is MetalabError =>
  thrown instanceof MetalabError && thrown.code.startsWith('METALAB_TRANSPORT_');

/** One call's patience with a cluster that can't be asked now: it waits, says why, and goes on when it can. */
export class ClusterRetry {
  readonly #transport: Transport;
  readonly #options: ClusterRetryOptions;
  readonly #forget: () => void;
  readonly #wakers = new Set<() => void>();
  /** Whoever asks wants it to end: what nobody can say when it passes need not be waited for. */
  cancelled = false;
  #stopped = false;
  #limit: { readonly within_ms: number; readonly since: number } | undefined;
  #waits: string | null = null;
  #stuck = false;

  constructor(transport: Transport, options: ClusterRetryOptions = {}) {
    this.#transport = transport;
    this.#options = options;
    this.#setLimit(options.within_ms);
    this.#forget = options.signal?.onStop((how) => this.#onStop(how)) ?? (() => {});
  }

  /** Why the cluster has not answered for a while; null where it does. */
  get waits(): string | null {
    return this.#waits;
  }

  /** Whether it will not before somebody does something. */
  get stuck(): boolean {
    return this.#stuck;
  }

  readonly ask: AskCluster = (command, { isAnswer, ...options } = {}) =>
    this.until(async () => {
      const within = this.#limit?.within_ms;
      const limit = within && { timeout_ms: Math.min(within, options.timeout_ms ?? within) };
      const result = await this.#transport.run(command, { ...options, ...limit });
      const answered = isAnswer ? isAnswer(result) : result.exitCode === 0;
      if (!answered && NO_ROOM.test(result.stderr))
        throw spaceError(this.#transport.place, formatResult(command, result));
      if (!answered) throw new NoAnswer(formatResult(command, result));
      return result;
    });

  /**
   * Does something until it succeeds. What it does must be safe to repeat.
   *
   * @throws ExecutionFault with code `CLOSED` once it was told to stop, `SILENT` where its patience ended; whatever is no
   *   matter of waiting; with `throwNeeded`, TransportError
   */
  async until<T>(attempt: () => Promise<T>): Promise<T> {
    const began = performance.now();
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(MAX_PAUSE_MS, pause * 2)) {
      this.check();
      try {
        const answer = await attempt();
        this.#tell(null, false);
        return answer;
      } catch (error) {
        if (!isTransportError(error) && !(error instanceof NoAnswer)) throw error;
        const needed = isTransportError(error) && NEEDS_SOMEBODY.has(error.code);
        if (needed && this.#options.throwNeeded) throw error;
        const now = performance.now();
        const waited = now - began;
        if (this.#limit && now - Math.max(began, this.#limit.since) > this.#limit.within_ms)
          throw placeFault('SILENT', error.message);
        // Who cancelled waits for it now.
        if (needed || this.cancelled || waited > TELL_MS || this.#waits !== null)
          this.#tell(error.message, needed);
      }
      await this.sleep(Math.min(pause, (this.#limit?.within_ms ?? Number.POSITIVE_INFINITY) / 4));
    }
  }

  /** @throws ExecutionFault with code `CLOSED` where the worker ends */
  check(): void {
    if (this.#stopped) throw closed();
  }

  /** Ends early when it is told to stop. */
  async sleep(ms: number, woken?: Promise<unknown>): Promise<void> {
    if (this.#stopped) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#wakers.add(wake);
      void woken?.then(wake);
    });
  }

  close(): void {
    this.#forget();
    for (const wake of this.#wakers) wake();
  }

  #setLimit(within_ms: number | undefined): void {
    if (within_ms !== undefined) this.#limit = { within_ms, since: performance.now() };
  }

  #onStop(how: 'yield' | 'cancel'): void {
    if (how === 'yield') this.#stopped = true;
    else {
      this.cancelled = true;
      this.#setLimit(this.#options.cancelled_within_ms);
    }
    for (const wake of this.#wakers) wake();
  }

  #tell(waits: string | null, stuck: boolean): void {
    if (waits === this.#waits) return;
    this.#waits = waits;
    this.#stuck = stuck;
    this.#options.onWaits?.(waits, stuck);
  }
}

/** The worker ends, nobody's run has failed by it. */
export const closed = () =>
  new ExecutionFault(
    'CLOSED',
    { type: 'WorkerEnded', message: 'the worker ended before the array did' },
    NOTHING_DONE,
  );

/** A fault of the place, in full words. */
export const placeFault = (code: string, message: string) =>
  new ExecutionFault(code, { type: 'ClusterError', message }, NOTHING_DONE);

export function formatResult(
  command: readonly string[],
  { exitCode, signal, stderr, stdout }: CommandResult,
): string {
  const said = (stderr.trim() || stdout.trim()).split('\n').slice(-3).join('\n');
  const program =
    command.find((word, at) => !(word.includes('=') || (at === 0 && word === 'env'))) ?? command[0];
  return `${program} ${signal ? `was ended by ${signal}` : `left with exit code ${exitCode}`}${said ? `: ${said}` : ''}`;
}
