import { setMaxListeners } from 'node:events';

/** Ends an operation at its time-out or at its caller's signal, whichever comes first. */
export class TimeLimit {
  readonly #controller = new AbortController();
  readonly #timeout_ms: number;
  readonly #error: () => Error;
  readonly #caller: AbortSignal | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param error creates the error with which the operation rejects after the time-out */
  constructor(timeout_ms: number, caller: AbortSignal | undefined, error: () => Error) {
    this.#timeout_ms = timeout_ms;
    this.#error = error;
    this.#caller = caller;
    // A transfer has 64 requests in flight.
    setMaxListeners(0, this.#controller.signal);
    if (caller?.aborted) this.#controller.abort(caller.reason);
    caller?.addEventListener('abort', this.#stop);
    this.renew();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** There was progress: restarts the timer. */
  renew(): void {
    clearTimeout(this.#timer);
    if (Number.isFinite(this.#timeout_ms))
      this.#timer = setTimeout(() => this.#controller.abort(this.#error()), this.#timeout_ms);
  }

  /** Stops the timer until `renew`, for instance while a person is asked. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  done(): void {
    this.pause();
    this.#caller?.removeEventListener('abort', this.#stop);
  }

  readonly #stop = () => this.#controller.abort(this.#caller?.reason);
}

/** Settles as `promise` does, or rejects as soon as the signal is aborted. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
