import { askRoom, noRoomFor, parentOf } from '../room.js';
import type { Transport } from '../transport.js';
import { fileError, TransportError } from '../transport-error.js';

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
