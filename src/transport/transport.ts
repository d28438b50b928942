/** What a command came to. It ran: an exit code other than 0 is an answer, not an error. */
export interface CommandResult {
  /** null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StreamOptions {
  readonly stdin?: string | Uint8Array;
  /** Ends the command; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface RunOptions extends StreamOptions {
  /** Past it the command is ended, and the call rejects with code `METALAB_TRANSPORT_TIMEOUT`. Default: 60,000. */
  readonly timeout_ms?: number;
}

export interface TransferOptions {
  /** Without a byte's progress for so long, the call rejects with code `METALAB_TRANSPORT_TIMEOUT`. Default: 60,000. */
  readonly timeout_ms?: number;
  readonly signal?: AbortSignal;
}

export interface PutOptions extends TransferOptions {
  /** Permission bits, set before the file has content. Default: what the place gives new files (umask). */
  readonly mode?: number;
}

/** A command whose output comes while it runs. */
export interface CommandStream {
  /** To be read to its end, or left (`break`), which ends the command. */
  readonly stdout: AsyncIterable<Uint8Array>;
  /** Settles once `stdout` was read to its end; its own `stdout` is empty, its `stderr` the last 64 KiB. */
  readonly ended: Promise<CommandResult>;
}

export interface Tunnel {
  /** Where this machine reaches the other end. */
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * A way to run commands and move files at a place: this machine, or a gateway by SSH. Paths are the place's own, absolute or
 * relative to the login's home. Every method rejects with `TransportError` where the place could not be asked: that
 * decides nothing about what it was asked for, which may have happened.
 */
export interface Transport {
  /** For messages: `this machine`, or `user@gateway`. */
  readonly place: string;
  /**
   * Runs a program with these arguments, each passed as it is: quoting is the transport's. It starts in the login's home.
   * A program that isn't there is exit code 127, as in a shell. Arguments go into one command line: beyond some 100 KiB
   * together they belong into `stdin`.
   */
  run(command: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Like `run`, and its output as it comes: for many files in one round trip. */
  stream(command: readonly string[], options?: StreamOptions): Promise<CommandStream>;
  /** Copies a file of this machine there: by a temporary name, fsynced by nobody, then a rename. Folders are made. */
  put(from: string, to: string, options?: PutOptions): Promise<void>;
  /** Writes bytes as a file there, as `put`. */
  write(bytes: string | Uint8Array, to: string, options?: PutOptions): Promise<void>;
  /** Copies a file from there to this machine: by a temporary name, then a rename. Folders are made. */
  get(from: string, to: string, options?: TransferOptions): Promise<void>;
  /** A file's bytes from an offset to where it ends now. */
  read(path: string, offset?: number, options?: TransferOptions): AsyncIterable<Uint8Array>;
  /** A port of this machine's loopback that leads to a port as the place sees it. */
  openTunnel(to: { readonly host: string; readonly port: number }): Promise<Tunnel>;
  /** What is under way rejects with `METALAB_TRANSPORT_LOST`. */
  close(): Promise<void>;
}

/** Codes of TransportError. The last five need somebody, the first three may pass by themselves. */
export type TransportFault =
  | 'METALAB_TRANSPORT_UNREACHABLE'
  | 'METALAB_TRANSPORT_LOST'
  | 'METALAB_TRANSPORT_TIMEOUT'
  /** Nobody is logged in, and a login asks for a person: `metalab env login NAME`. */
  | 'METALAB_TRANSPORT_LOGIN'
  | 'METALAB_TRANSPORT_HOST_KEY'
  | 'METALAB_TRANSPORT_FILE'
  /** The filesystem is full, or the user's quota is. */
  | 'METALAB_TRANSPORT_NO_SPACE'
  /** What ~/.ssh/config or the environment says can't be used. */
  | 'METALAB_TRANSPORT_CONFIG';
