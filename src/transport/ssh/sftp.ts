import type { SFTPWrapper, Stats } from 'ssh2';
import { TimeLimit, untilAborted } from '../time-limit.js';
import type { TransferOptions } from '../transport.js';
import { fileError, TransportError, timeoutError } from '../transport-error.js';
import type { Session } from './session.js';

const TIMEOUT_MS = 60_000;
/** Same as OpenSSH's sftp: 64 requests of 32 KiB are 2 MiB in flight, enough for 100 ms of latency at 20 MB/s. */
const CHUNK = 32 * 1024;
const REQUESTS = 64;

/** Codes of SSH_FXP_STATUS (draft-ietf-secsh-filexfer-02, section 7). */
const STATUS: { readonly [code: number]: string } = { 2: 'no such file', 3: 'permission denied' };

type Done<T> = (error: (Error & { code?: number | string }) | null | undefined, value: T) => void;

type Told = (sftp: SFTPWrapper, done: (error?: Error | null) => void) => void;

/** One transfer over SFTP: its requests each have the time limit, and its errors name the path. */
export class SftpTransfer {
  readonly #session: Session;
  readonly #sftp: SFTPWrapper;
  readonly #path: string;
  readonly #limit: TimeLimit;

  private constructor(session: Session, sftp: SFTPWrapper, path: string, limit: TimeLimit) {
    this.#session = session;
    this.#sftp = sftp;
    this.#path = path;
    this.#limit = limit;
  }

  static async begin(
    session: Session,
    path: string,
    { timeout_ms = TIMEOUT_MS, signal }: TransferOptions = {},
  ): Promise<SftpTransfer> {
    const limit = new TimeLimit(timeout_ms, signal, () => timeoutError(session.place, path, timeout_ms));
    try {
      const sftp = await untilAborted(session.sftp(), limit.signal);
      return new SftpTransfer(session, sftp, path, limit);
    } catch (error) {
      limit.done();
      throw error;
    }
  }

  end(): void {
    this.#limit.done();
  }

  /** Whether it timed out, or was aborted by its caller. */
  get aborted(): boolean {
    return this.#limit.signal.aborted;
  }

  /** Stops the timer while the caller is busy. */
  pause(): void {
    this.#limit.pause();
  }

  /** Sends one request. Its answer counts as progress. */
  async ask<T>(start: (sftp: SFTPWrapper, done: Done<T>) => void): Promise<T> {
    this.#limit.renew();
    try {
      const answer = this.#session.whileLive<T>((resolve, reject) =>
        start(this.#sftp, (error, value) => (error ? reject(error) : resolve(value))),
      );
      const value = await untilAborted(answer, this.#limit.signal);
      this.#limit.renew();
      return value;
    } catch (error) {
      if (error instanceof TransportError || this.#limit.signal.aborted || !isStatus(error)) throw error;
      throw fileError(this.#session.place, this.#path, STATUS[error.code] ?? error.message, error);
    }
  }

  /** Sends a request that is only answered by success or failure. */
  async tell(start: Told): Promise<void> {
    await this.ask<undefined>((sftp, done) => start(sftp, (error) => done(error, undefined)));
  }

  /** Whether such a request succeeds; a lost connection is still an error. */
  async succeeds(start: Told): Promise<boolean> {
    try {
      await this.tell(start);
      return true;
    } catch (error) {
      if (error instanceof TransportError && error.code === 'METALAB_TRANSPORT_FILE') return false;
      throw error;
    }
  }

  async write(handle: Buffer, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const underWay = new Set<Promise<void>>();
    let failure: unknown;
    let at = 0;
    for await (const chunk of chunks) {
      for (let offset = 0; offset < chunk.length && !failure; offset += CHUNK) {
        const part = Buffer.from(chunk.subarray(offset, offset + CHUNK));
        const position = at;
        at += part.length;
        const request: Promise<void> = this.tell((sftp, done) =>
          sftp.write(handle, part, 0, part.length, position, done),
        )
          .catch((error) => {
            failure ??= error;
          })
          .finally(() => underWay.delete(request));
        underWay.add(request);
        if (underWay.size >= REQUESTS) await Promise.race(underWay);
      }
      if (failure) break;
    }
    await Promise.all(underWay);
    if (failure) throw failure;
  }

  /** A file's bytes from an offset to its current end, in order, with requests in flight for what comes next. */
  async *read(handle: Buffer, offset: number, status: Stats): AsyncIterable<Uint8Array> {
    const underWay: Promise<Buffer>[] = [];
    let next = offset;
    const ask = () => {
      const size = Math.min(CHUNK, status.size - next);
      const request = this.#readWhole(handle, next, size);
      // The reader gets the error when it reaches this request.
      request.catch(() => {});
      underWay.push(request);
      next += size;
    };
    try {
      while (next < status.size || underWay.length > 0) {
        while (next < status.size && underWay.length < REQUESTS) ask();
        const part = await underWay.shift()!;
        this.pause();
        if (part.length > 0) yield part;
      }
    } finally {
      await Promise.allSettled(underWay);
    }
  }

  /** A server may answer with less than requested; a file that was truncated meanwhile ends early. */
  async #readWhole(handle: Buffer, position: number, size: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(size);
    let filled = 0;
    while (filled < size) {
      const from = filled;
      const bytes = await this.ask<number>((sftp, done) =>
        sftp.read(handle, buffer, from, size - from, position + from, (error, read) => {
          // End of file is a status, not an error.
          if ((error as { code?: number } | undefined)?.code === 1) done(undefined, 0);
          else done(error, read);
        }),
      );
      if (bytes === 0) break;
      filled += bytes;
    }
    return buffer.subarray(0, filled);
  }
}

const isStatus = (error: unknown): error is Error & { code: number } =>
  error instanceof Error && typeof (error as { code?: unknown }).code === 'number';
