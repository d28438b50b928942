import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** Messages over a socket, one JSON text per line. They are written nowhere else: they may contain a password. */
export class Lines<Incoming, Outgoing> {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;
  readonly #parse: (value: unknown) => Incoming;

  /** @param parse throws if the value is not a message */
  constructor(socket: Socket, parse: (value: unknown) => Incoming) {
    this.#socket = socket.on('error', () => {});
    this.#lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })[
      Symbol.asyncIterator
    ]();
    this.#parse = parse;
  }

  /** The next message; undefined if the other side has gone. */
  async next(): Promise<Incoming | undefined> {
    const { done, value } = await this.#lines.next();
    return done ? undefined : this.#parse(JSON.parse(value));
  }

  send(message: Outgoing): void {
    this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  end(): void {
    this.#socket.end();
  }
}
