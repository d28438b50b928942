import type { MetalabError } from '../../definition/errors.js';

/** What a command came to. It ran: an exit code other than 0 is an answer, not an error. */
export interface CommandResult {
  /** null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  /** Past it the command is ended, and the call rejects with code `METALAB_TRANSPORT_TIMEOUT`. Default: 60,000. */
  readonly timeout_ms?: number;
  readonly signal?: AbortSignal;
}

export interface Tunnel {
  /** Where this machine reaches the other end. */
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * A way to run commands and move files at a place: this machine, or a gateway by SSH. Paths are the place's own, absolute or
 * relative to the login's home. Every method rejects with {@link TransportError} where the place could not be asked: that
 * decides nothing about what it was asked for, which may have happened.
 */
export interface Transport {
  /** For messages: `this machine`, or `user@gateway`. */
  readonly place: string;
  /** Runs a program with these arguments, each passed as it is: quoting is the transport's. */
  run(command: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Like `run`, and its output as it comes: for many files in one round trip. */
  stream(
    command: readonly string[],
    options?: Pick<RunOptions, 'stdin' | 'signal'>,
  ): Promise<{ readonly stdout: AsyncIterable<Uint8Array>; readonly ended: Promise<CommandResult> }>;
  /** Copies a file of this machine there: by a temporary name, fsynced by nobody, then a rename. Folders are made. */
  put(from: string, to: string, options?: { readonly mode?: number }): Promise<void>;
  /** Writes bytes as a file there, as `put`. */
  write(bytes: string | Uint8Array, to: string, options?: { readonly mode?: number }): Promise<void>;
  /** Copies a file from there to this machine: by a temporary name, then a rename. */
  get(from: string, to: string): Promise<void>;
  /** A file's bytes from an offset to where it ends now. */
  read(path: string, offset?: number): AsyncIterable<Uint8Array>;
  /** A port of this machine's loopback that leads to a port as the place sees it. */
  openTunnel(to: { readonly host: string; readonly port: number }): Promise<Tunnel>;
  close(): Promise<void>;
}

/** Codes of TransportError. Only `LOGIN` needs somebody: all others may pass by themselves. */
export type TransportFault =
  | 'METALAB_TRANSPORT_UNREACHABLE'
  | 'METALAB_TRANSPORT_LOST'
  | 'METALAB_TRANSPORT_TIMEOUT'
  | 'METALAB_TRANSPORT_LOGIN'
  | 'METALAB_TRANSPORT_HOST_KEY'
  | 'METALAB_TRANSPORT_FILE';

export type TransportErrorLike = MetalabError & { readonly code: TransportFault };
