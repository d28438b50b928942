import { stat } from 'node:fs/promises';
import { runCommand, type StartCommand, streamCommand } from '../command.js';
import { readLocalFile } from '../local-file.js';
import type { Prompter } from '../prompter.js';
import { askRoom, noRoomFor, parentOf } from '../room.js';
import type { Transport } from '../transport.js';
import { fileError, TransportError } from '../transport-error.js';
import { Tunnels } from '../tunnel.js';
import type { ConnectionOptions } from './connection.js';
import { shareConnection } from './connections.js';
import { dial } from './dial.js';
import { readRemoteFile, writeRemoteFile } from './files.js';
import type { SshDependencies, SshSettings } from './settings.js';
import { startCommand } from './start-command.js';

export interface SshTransportOptions extends SshDependencies, ConnectionOptions {
  /** Asked whenever this transport needs a person. Without it, such a request is refused. */
  readonly prompter?: Prompter;
}

export interface SshTransport extends Transport {
  /** Connects, unless connected, with a person to ask; the connection then serves everybody who shares it. */
  login(prompter: Prompter): Promise<void>;
}

/**
 * A transport to a gateway by SSH. It connects at first use. A process's transports to the same gateway share a
 * connection.
 *
 * @throws TransportError with code METALAB_TRANSPORT_CONFIG
 */
export function createSshTransport(settings: SshSettings, options: SshTransportOptions = {}): SshTransport {
  const { connection, release } = shareConnection(settings, options);
  const session = (signal?: AbortSignal) => connection.session(options.prompter, signal);
  const start: StartCommand = async (command, signal) => startCommand(await session(signal), command, signal);
  const run: Transport['run'] = (command, runOptions) =>
    runCommand(connection.place, start, command, runOptions);
  const tunnels = new Tunnels(async (target, signal) => dial(await session(signal), target, signal));
  return {
    get place() {
      return connection.place;
    },
    run,
    stream: (command, streamOptions) => streamCommand(start, command, streamOptions),
    async put(from, to, putOptions) {
      const opened = await session(putOptions?.signal);
      await writeRemoteFile(opened, readLocalFile(from), to, putOptions).catch(async (error: unknown) => {
        const { size } = await stat(from).catch(() => ({ size: 0 }));
        throw await explainFailure({ place: connection.place, run }, to, size, error);
      });
    },
    async write(bytes, to, putOptions) {
      const content = Buffer.from(bytes);
      const opened = await session(putOptions?.signal);
      await writeRemoteFile(opened, once(content), to, putOptions).catch(async (error: unknown) => {
        throw await explainFailure({ place: connection.place, run }, to, content.length, error);
      });
    },
    async *read(path, offset, readOptions) {
      yield* readRemoteFile(await session(readOptions?.signal), path, offset, readOptions);
    },
    login: (prompter) => connection.login(prompter),
    openTunnel: tunnels.open,
    async close() {
      await tunnels.close();
      release();
    },
  };
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** SSH_FX_FAILURE: SFTP's only answer for a full disk, an exceeded quota, or a read-only filesystem. */
const FAILURE = 4;
/** For larger files only this many bytes are tried: quotas are noticed only by writing. */
const MAX_PROBE_BYTES = 256 * 1024 * 1024;

/**
 * Finds out with a command why a file could not be written.
 *
 * @param bytes the file's size
 * @returns the error to throw: the given one if it already explains the failure, or if nothing more is found
 */
async function explainFailure(
  { place, run }: Pick<Transport, 'place' | 'run'>,
  path: string,
  bytes: number,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof TransportError) || (error.cause as { code?: unknown } | undefined)?.code !== FAILURE)
    return error;
  try {
    const room = await askRoom(run, parentOf(path), Math.min(bytes, MAX_PROBE_BYTES));
    const full = noRoomFor(place, path, bytes, room);
    return full ?? (room.refusal === undefined ? error : fileError(place, path, room.refusal, error));
  } catch {
    return error;
  }
}
