import { setTimeout as delay } from 'node:timers/promises';
import type { Prompter } from '../prompter.js';
import { untilAborted } from '../time-limit.js';
import { lostError, TransportError } from '../transport-error.js';
import type { ConnectOptions } from './connect-hop.js';
import { Session } from './session.js';
import { formatHop, type Hop } from './settings.js';

export interface ConnectionOptions extends Omit<ConnectOptions, 'prompter'> {
  /**
   * The delay after a failed attempt, doubled each time, from the first number up to the second. Default: 500 to
   * 30,000.
   */
  readonly backOff_ms?: readonly [number, number];
}

/** Faults that another attempt does not resolve: it would only lock an account, or fill the host's log. */
const NEEDS_SOMEBODY: readonly string[] = [
  'METALAB_TRANSPORT_LOGIN',
  'METALAB_TRANSPORT_HOST_KEY',
  'METALAB_TRANSPORT_CONFIG',
];

/** How long such a fault is returned again without a new attempt: after that, the agent may have new keys. */
const LOGIN_KEPT_MS = 30_000;

/** The connection to one gateway: connected when needed, reconnected when lost, shared by all its users. */
export class Connection {
  /** Where it was connected to last, or will be. */
  place: string;
  readonly #hops: () => readonly Hop[];
  readonly #options: ConnectionOptions;
  readonly #closing = new AbortController();
  #session: Session | undefined;
  #connecting: Promise<Session> | undefined;
  #failures = 0;
  #notBefore = 0;
  #needed: TransportError | undefined;

  /** @param hops resolves the hops; throws a TransportError if the configuration has none */
  constructor(hops: () => readonly Hop[], options: ConnectionOptions = {}) {
    this.#hops = hops;
    this.#options = options;
    this.place = formatHop(hops().at(-1)!);
  }

  /** The live connection, opened if there is none. @throws TransportError */
  async session(prompter?: Prompter, signal?: AbortSignal): Promise<Session> {
    signal?.throwIfAborted();
    if (this.#session?.live) return this.#session;
    if (!prompter && this.#needed && performance.now() < this.#notBefore) throw this.#needed;
    return untilAborted(this.#connect(prompter), signal);
  }

  /** Opens the connection with a person to ask; returns immediately if it is open. */
  async login(prompter: Prompter): Promise<void> {
    // An attempt without a person may be in progress: its failure is not this one's.
    await this.#connecting?.catch(() => {});
    await this.session(prompter);
  }

  close(): void {
    this.#closing.abort(lostError(this.place, new Error('closed')));
    this.#session?.close();
  }

  #connect(prompter: Prompter | undefined): Promise<Session> {
    this.#connecting ??= this.#open(prompter).finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #open(prompter: Prompter | undefined): Promise<Session> {
    const { signal } = this.#closing;
    const wait_ms = prompter ? 0 : this.#notBefore - performance.now();
    if (wait_ms > 0) await delay(wait_ms, undefined, { signal }).catch(() => {});
    signal.throwIfAborted();
    try {
      const hops = this.#hops();
      this.place = formatHop(hops.at(-1)!);
      const session = await Session.open(hops, { ...this.#options, prompter }, signal);
      this.#session = session;
      this.#failures = 0;
      this.#notBefore = 0;
      this.#needed = undefined;
      return session;
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  #failed(error: unknown): void {
    const needed = error instanceof TransportError && NEEDS_SOMEBODY.includes(error.code) ? error : undefined;
    const [first, most] = this.#options.backOff_ms ?? [500, 30_000];
    const pause_ms = needed ? LOGIN_KEPT_MS : Math.min(first * 2 ** this.#failures, most);
    this.#failures = needed ? 0 : this.#failures + 1;
    this.#needed = needed;
    this.#notBefore = performance.now() + pause_ms;
  }
}
