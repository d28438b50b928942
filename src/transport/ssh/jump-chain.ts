import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { messageOf } from '../../definition/errors.js';
import { TransportError } from '../transport-error.js';
import { type ConnectOptions, connectHop, forward, unreachable } from './connect-hop.js';
import { formatHop, type Hop } from './settings.js';

/** How long a host may take to close. */
const CLOSING_MS = 1_000;

/** The hosts up to a gateway, logged in at each. If one of them is lost, the whole chain is. */
export class JumpChain {
  readonly #clients: Client[] = [];
  readonly #ending = new AbortController();

  private constructor() {}

  /**
   * @param signal aborts what is not open yet
   * @throws TransportError of the hop that failed
   */
  static async open(hops: readonly Hop[], options: ConnectOptions, signal?: AbortSignal): Promise<JumpChain> {
    const chain = new JumpChain();
    const giveUp = () => chain.destroy(signal?.reason);
    signal?.addEventListener('abort', giveUp);
    try {
      signal?.throwIfAborted();
      await chain.#go(hops, options);
      return chain;
    } catch (error) {
      chain.destroy(error);
      throw error instanceof TransportError ? error : unreachable(hops.at(-1)!, messageOf(error), error);
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  /** Aborted when the chain is lost, with the reason. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  get gateway(): Client {
    return this.#clients.at(-1)!;
  }

  /** Closes the connections in an orderly chain. */
  close(): void {
    for (const client of this.#clients.toReversed()) client.end();
    setTimeout(() => this.destroy(new Error('closed')), CLOSING_MS).unref();
  }

  /**
   * Destroying the first host's connection ends everything that goes through it: a channel would wait for the other
   * side's consent.
   */
  destroy(reason: unknown): void {
    this.#ending.abort(reason);
    for (const client of this.#clients) client.destroy();
  }

  async #go(hops: readonly Hop[], options: ConnectOptions): Promise<void> {
    const signal = this.ended;
    let socket: Duplex | undefined;
    for (const [index, hop] of hops.entries()) {
      const gone = (cause?: Error) =>
        this.destroy(new Error(`${formatHop(hop)} hung up${cause ? `: ${cause.message}` : ''}`, { cause }));
      const client = await connectHop(hop, { socket, signal, gone }, options);
      this.#clients.push(client);
      signal.throwIfAborted();
      const next = hops[index + 1];
      if (next) socket = await forward(client, hop, next, signal, options);
    }
  }
}
