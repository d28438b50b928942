/** The result of a command that ran: an exit code other than 0 is an answer, not an error. */
export interface CommandResult {
  /** null if a signal ended it. */
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
  /**
   * After this time the command is ended, and the call rejects with code `METALAB_TRANSPORT_TIMEOUT`. Default: 60,000.
   */
  readonly timeout_ms?: number;
}

export interface TransferOptions {
  /**
   * If no byte is transferred for this long, the call rejects with code `METALAB_TRANSPORT_TIMEOUT`. Default: 60,000.
   */
  readonly timeout_ms?: number;
  readonly signal?: AbortSignal;
}

export interface PutOptions extends TransferOptions {
  /** Permission bits, set before the file has content. Default: those of new files there (umask). */
  readonly mode?: number;
}

/** A host and port, as the transport's machine sees them. */
export interface TunnelTarget {
  readonly host: string;
  readonly port: number;
}

export interface TunnelOptions {
  /** The port to listen on. Default: a free one. */
  readonly port?: number;
  /** Called when a connection could not be led on: it was reset. The next one is tried again. */
  readonly onFailure?: (error: Error) => void;
}

/**
 * A port of this machine whose connections lead to a host and port there. Others on this machine can connect to it too:
 * what it leads to needs a password of its own.
 */
export interface Tunnel {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Until it is closed. */
  readonly isOpen: boolean;
  /**
   * Opens a connection to the target, and ends it at once.
   *
   * @throws TransportError saying why that failed
   */
  check(signal?: AbortSignal): Promise<void>;
  /** From now on it leads there. Connections to the former target are reset. */
  retarget(target: TunnelTarget): void;
  /** Stops listening, and resets what is open. */
  close(): Promise<void>;
}

/** A command whose output arrives while it runs. */
export interface CommandStream {
  /** Must be read to its end, or left (`break`), which ends the command. */
  readonly stdout: AsyncIterable<Uint8Array>;
  /** Settles once `stdout` was read to its end. The result's own `stdout` is empty, its `stderr` the last 64 KiB. */
  readonly ended: Promise<CommandResult>;
}

/**
 * Runs commands and moves files on a machine: this one, or a gateway by SSH. Paths are that machine's, absolute or
 * relative to the login's home. Every method rejects with `TransportError` if the machine could not be reached; the
 * requested action may have happened all the same.
 */
export interface Transport {
  /** For messages: `this machine`, or `user@gateway`. */
  readonly place: string;
  /**
   * Runs a program with these arguments, each passed as it is: the transport quotes them. It starts in the login's
   * home. A missing program gives exit code 127, as in a shell. Arguments go into one command line: more than about 100
   * KiB together belong into `stdin`.
   */
  run(command: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Like `run`, with the output as it arrives: for many files in one round trip. */
  stream(command: readonly string[], options?: StreamOptions): Promise<CommandStream>;
  /**
   * Copies a file from this machine there: under a temporary name, without fsync, then a rename. Folders are created.
   */
  put(from: string, to: string, options?: PutOptions): Promise<void>;
  /** Writes bytes to a file there, as `put` does. */
  write(bytes: string | Uint8Array, to: string, options?: PutOptions): Promise<void>;
  /** A file's bytes from an offset to its current end. */
  read(path: string, offset?: number, options?: TransferOptions): AsyncIterable<Uint8Array>;
  /**
   * Listens on 127.0.0.1, and leads each connection to the target, by a connection from the transport's machine. It does
   * not connect before the first is made; a lost connection to the machine resets those that it carried, and the next
   * one reconnects.
   *
   * @throws InfrastructureError METALAB_PORT if the port can't be listened on
   */
  openTunnel(target: TunnelTarget, options?: TunnelOptions): Promise<Tunnel>;
  /** Tunnels are closed. Operations in progress reject with `METALAB_TRANSPORT_LOST`. */
  close(): Promise<void>;
}

/** Codes of TransportError. The last five need a person, the first three may resolve by themselves. */
export type TransportFault =
  | 'METALAB_TRANSPORT_UNREACHABLE'
  | 'METALAB_TRANSPORT_LOST'
  | 'METALAB_TRANSPORT_TIMEOUT'
  /** Nobody is logged in, and a login needs a person: `metalab env login NAME`. */
  | 'METALAB_TRANSPORT_LOGIN'
  | 'METALAB_TRANSPORT_HOST_KEY'
  | 'METALAB_TRANSPORT_FILE'
  /** The filesystem is full, or the user's quota is exhausted. */
  | 'METALAB_TRANSPORT_NO_SPACE'
  /** ~/.ssh/config or the environment has unusable settings. */
  | 'METALAB_TRANSPORT_CONFIG';
