import { askRoom, noRoomFor, parentOf } from '../room.js';
import type { Transport } from '../transport.js';
import { fileError, TransportError } from '../transport-error.js';

/** SSH_FX_FAILURE: all that SFTP tells of a full disk, an exceeded quota, or a filesystem that can only be read. */
const FAILURE = 4;
/** Larger files are tried by so many bytes: quotas are noticed only by writing. */
const MAX_PROBE_BYTES = 256 * 1024 * 1024;

/**
 * Finds out by a command why a file could not be written.
 *
 * @param bytes the file's
 * @returns the error to be thrown: the same one, where that says why or nothing more is found
 */
export async function explainFailure(
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
