import { MetalabError } from '../../definition/errors.js';
import { NO_ROOM } from '../../transport/room.js';
import type { CommandResult, RunOptions, Transport } from '../../transport/transport.js';
import { spaceError } from '../../transport/transport-error.js';
import type { AskOptions } from '../batch-executor.js';
import { ExecutionFault, NOTHING_DONE } from '../execution-fault.js';

/** A wait is reported after this time, or immediately if a person has to act. */
const TELL_MS = 30_000;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;
/** These need a person: to log in, to confirm a host's new key, or to make room. Others resolve by themselves. */
const NEEDS_SOMEBODY = new Set(
  ['LOGIN', 'HOST_KEY', 'CONFIG', 'FILE', 'NO_SPACE'].map((fault) => `METALAB_TRANSPORT_${fault}`),
);

export interface ClusterRetryOptions extends AskOptions {
  /** How long to retry before giving up. Milliseconds; by default for ever. */
  readonly within_ms?: number;
  /** The same, counted from the cancellation. */
  readonly cancelled_within_ms?: number;
  /** Throws if a person has to act: the caller is at a terminal and can do it. By default it waits. */
  readonly throwNeeded?: boolean;
}

/** Runs a command until the cluster answers. */
export type AskCluster = (
  command: readonly string[],
  options?: RunOptions & {
    /**
     * Whether a result is an answer; by default, exit code 0. Other results are retried, as after a lost connection.
     */
    readonly isAnswer?: (result: CommandResult) => boolean;
  },
) => Promise<CommandResult>;

/** Thrown by an attempt whose answer is inconclusive: it is tried again. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

export const isTransportError = (thrown: unknown): thrown is MetalabError =>
  thrown instanceof MetalabError && thrown.code.startsWith('METALAB_TRANSPORT_');

/** Retries for one call while the cluster can't be reached: it waits, reports why, and continues when it can. */
export class ClusterRetry {
  readonly #transport: Transport;
  readonly #options: ClusterRetryOptions;
  readonly #forget: () => void;
  readonly #wakers = new Set<() => void>();
  /** The caller wants it to end: waits of unknown length are not worth it. */
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

  /** Why the cluster has not answered for a while; null if it answers. */
  get waits(): string | null {
    return this.#waits;
  }

  /** Whether a person has to act before it answers. */
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
   * Repeats an attempt until it succeeds. The attempt must be safe to repeat.
   *
   * @throws ExecutionFault with code `CLOSED` once asked to stop, `SILENT` if its time is over; every error that
   *   waiting does not resolve; with `throwNeeded`, TransportError
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
        // Whoever cancelled is waiting for it now.
        if (needed || this.cancelled || waited > TELL_MS || this.#waits !== null)
          this.#tell(error.message, needed);
      }
      await this.sleep(Math.min(pause, (this.#limit?.within_ms ?? Number.POSITIVE_INFINITY) / 4));
    }
  }

  /** @throws ExecutionFault with code `CLOSED` if the worker ends */
  check(): void {
    if (this.#stopped) throw closed();
  }

  /** Ends early when asked to stop. */
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

  /** The same, and not at all once it is cancelled. */
  async sleepUnlessCancelled(ms: number, woken?: Promise<unknown>): Promise<void> {
    if (!this.cancelled) await this.sleep(ms, woken);
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

/** The worker ends; no run has failed because of it. */
export const closed = () =>
  new ExecutionFault(
    'CLOSED',
    { type: 'WorkerEnded', message: 'the worker ended before the array did' },
    NOTHING_DONE,
  );

/** A fault of the executor, with its full message. */
export const placeFault = (code: string, message: string) =>
  new ExecutionFault(code, { type: 'ClusterError', message }, NOTHING_DONE);

export function formatResult(
  command: readonly string[],
  { exitCode, signal, stderr, stdout }: CommandResult,
): string {
  const said = (stderr.trim() || stdout.trim()).split('\n').slice(-3).join('\n');
  const program =
    command.find((word, at) => !(word.includes('=') || (at === 0 && word === 'env'))) ?? command[0];
  return `${program} ${signal ? `was ended by ${signal}` : `exited with code ${exitCode}`}${said ? `: ${said}` : ''}`;
}
