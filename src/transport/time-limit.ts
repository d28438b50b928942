import { setMaxListeners } from 'node:events';

/** Ends an operation by its time-out or its caller's signal, whichever is first. */
export class TimeLimit {
  readonly #controller = new AbortController();
  readonly #timeout_ms: number;
  readonly #error: () => Error;
  readonly #caller: AbortSignal | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param error what the operation rejects with past the time-out */
  constructor(timeout_ms: number, caller: AbortSignal | undefined, error: () => Error) {
    this.#timeout_ms = timeout_ms;
    this.#error = error;
    this.#caller = caller;
    // A transfer has 64 requests under way.
    setMaxListeners(0, this.#controller.signal);
    if (caller?.aborted) this.#controller.abort(caller.reason);
    caller?.addEventListener('abort', this.#stop);
    this.renew();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** There was progress: the time counts from now. */
  renew(): void {
    clearTimeout(this.#timer);
    if (Number.isFinite(this.#timeout_ms))
      this.#timer = setTimeout(() => this.#controller.abort(this.#error()), this.#timeout_ms);
  }

  /** While somebody else has the time, as a person who is asked; until `renew`. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  done(): void {
    this.pause();
    this.#caller?.removeEventListener('abort', this.#stop);
  }

  readonly #stop = () => this.#controller.abort(this.#caller?.reason);
}

/** What `promise` comes to, or a rejection as soon as the signal is aborted. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
