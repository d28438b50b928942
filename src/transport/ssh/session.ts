import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, ClientChannel, SFTPWrapper } from 'ssh2';
import { untilAborted } from '../time-limit.js';
import { lostError, TransportError } from '../transport-error.js';
import { ChannelLimit } from './channel-limit.js';
import type { ConnectOptions } from './connect-hop.js';
import { JumpChain } from './jump-chain.js';
import { formatHop, type Hop } from './settings.js';

/** sshd's default MaxSessions is 10: one is for SFTP, one for ending a command that has timed out. */
const COMMANDS_AT_ONCE = 8;
/** A busy server counts a channel for a moment after it has closed it. */
const STILL_COUNTED_MS = 2_000;
const PAUSE_MS = 100;

type Callback<T> = (error: Error | null | undefined, value: T) => void;

/**
 * One live connection to a gateway, through its jump hosts. It ends once, together with everything in progress on it.
 */
export class Session {
  readonly place: string;
  readonly #commands = new ChannelLimit(COMMANDS_AT_ONCE);
  readonly #chain: JumpChain;
  readonly #underWay = new Set<(error: Error) => void>();
  #sftp: Promise<SFTPWrapper> | undefined;
  /** When the last command's channel was closed. Monotonic milliseconds. */
  #closedAt = Number.NEGATIVE_INFINITY;
  readonly #ending = new AbortController();

  private constructor(place: string, chain: JumpChain) {
    this.place = place;
    this.#chain = chain;
    // Each channel of a tunnel listens.
    setMaxListeners(0, this.#ending.signal);
    const lost = () => this.#end(lostError(place, chain.ended.reason));
    if (chain.ended.aborted) lost();
    chain.ended.addEventListener('abort', lost);
  }

  /**
   * @param signal aborts what is not open yet
   * @throws TransportError of the hop that failed
   */
  static async open(hops: readonly Hop[], options: ConnectOptions, signal?: AbortSignal): Promise<Session> {
    return new Session(formatHop(hops.at(-1)!), await JumpChain.open(hops, options, signal));
  }

  get live(): boolean {
    return !this.ended.aborted;
  }

  /** Aborted when it ends, with the error, before its channels seem to end as usual. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  /**
   * Runs a call with a callback. Rejects with METALAB_TRANSPORT_LOST if the connection is lost first, with the signal's
   * reason if that is aborted first.
   */
  request<T>(start: (client: Client, done: Callback<T>) => void, signal?: AbortSignal): Promise<T> {
    return untilAborted(
      this.whileLive<T>((resolve, reject) =>
        start(this.#chain.gateway, (error, value) => (error ? reject(error) : resolve(value))),
      ),
      signal,
    );
  }

  /** A promise that rejects at the latest when the connection is lost. */
  whileLive<T>(start: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.ended.aborted) return reject(this.ended.reason);
      this.#underWay.add(reject);
      const settle =
        <V>(act: (value: V) => void) =>
        (value: V) => {
          this.#underWay.delete(reject);
          act(value);
        };
      try {
        start(settle(resolve), settle(reject));
      } catch (error) {
        settle(reject)(error as Error);
      }
    });
  }

  /**
   * Opens a channel for a command, once the limit allows one.
   *
   * @param begin gets the channel in the moment in which it opens, since a quick command's end may be in the same
   *   packet; and a function that ends its turn
   * @param abandon gets what was begun although the signal had been aborted
   */
  async exec<T>(
    line: string,
    signal: AbortSignal,
    begin: (channel: ClientChannel, release: () => void) => T,
    abandon: (begun: T) => void,
  ): Promise<T> {
    const release = await this.#commands.take(signal);
    const closed = () => {
      this.#closedAt = performance.now();
      release();
    };
    const opening = this.request<T>((client, done) =>
      client.exec(line, (error, channel) =>
        error ? done(error, undefined as T) : done(undefined, begin(channel, closed)),
      ),
    );
    try {
      return await untilAborted(opening, signal);
    } catch (error) {
      if (signal.aborted) {
        opening.then(abandon, release);
        throw error;
      }
      const refused = 'reason' in (error as Error);
      // A server may allow fewer sessions than the default.
      const lowered = refused && this.#commands.lower();
      release();
      if (lowered) return this.exec(line, signal, begin, abandon);
      if (!refused || performance.now() - this.#closedAt > STILL_COUNTED_MS) throw this.#refused(error);
      await sleep(PAUSE_MS, undefined, { signal });
      return this.exec(line, signal, begin, abandon);
    }
  }

  /** The connection's only SFTP channel. */
  sftp(): Promise<SFTPWrapper> {
    this.#sftp ??= this.request<SFTPWrapper>((client, done) => client.sftp(done)).then(
      (sftp) => {
        const again = () => {
          this.#sftp = undefined;
        };
        sftp.on('close', again).on('error', again);
        return sftp;
      },
      (error) => {
        this.#sftp = undefined;
        throw this.#refused(error);
      },
    );
    return this.#sftp;
  }

  /** Ends a command's process group. The command's channel shows whether that worked. */
  endProcessGroup(pid: number): void {
    // dash's `kill -TERM -- -1` is an error, its `kill -s TERM -- -1` isn't.
    const script = `kill -s TERM -- -${pid}; sleep 2; kill -s KILL -- -${pid}`;
    const opening = this.request<ClientChannel>((client, done) =>
      client.exec(`exec sh -c '${script}'`, done),
    );
    opening.then(
      (channel) => channel.resume().stderr.resume(),
      () => {},
    );
  }

  close(): void {
    this.#end(lostError(this.place, new Error('closed')));
    this.#chain.close();
  }

  #refused(error: unknown): unknown {
    return error instanceof TransportError ? error : (this.ended.reason ?? lostError(this.place, error));
  }

  #end(error: Error): void {
    if (this.ended.aborted) return;
    this.#ending.abort(error);
    for (const reject of this.#underWay) reject(error);
    this.#underWay.clear();
  }
}
