import { type ErrorParts, MetalabError } from '../definition/errors.js';
import type { TransportFault } from './transport.js';

interface TransportErrorParts extends ErrorParts {
  readonly code: TransportFault;
}

/**
 * Thrown when a machine could not be reached, or a file there could not be read or written. `code` says which case it
 * is.
 */
export class TransportError extends MetalabError {
  override readonly name = 'TransportError';
  declare readonly code: TransportFault;

  // Only narrows MetalabError's parameters.
  constructor(parts: TransportErrorParts, options?: ErrorOptions) {
    super(parts, options);
  }
}

/** The connection was open and was lost: the requested action may have happened. */
export const lostError = (place: string, cause?: unknown) =>
  new TransportError(
    {
      code: 'METALAB_TRANSPORT_LOST',
      what: `the connection was lost${cause instanceof Error ? ` (${cause.message})` : ''}`,
      where: place,
      next: 'try again: the next call reconnects',
    },
    { cause },
  );

/** @param what the operation that timed out: `the command sbatch` */
export const timeoutError = (place: string, what: string, timeout_ms: number) =>
  new TransportError({
    code: 'METALAB_TRANSPORT_TIMEOUT',
    what: `no answer within ${timeout_ms / 1000} s: ${what}`,
    where: place,
  });

/** The error for a file that could not be read or written, there or here. */
export const fileError = (place: string, path: string, reason: string, cause?: unknown) =>
  new TransportError(
    { code: 'METALAB_TRANSPORT_FILE', what: `${JSON.stringify(path)}: ${reason}`, where: place },
    { cause },
  );

/** @param what such as `no space left on /scratch` */
export const spaceError = (place: string, what: string, cause?: unknown) =>
  new TransportError(
    {
      code: 'METALAB_TRANSPORT_NO_SPACE',
      what,
      where: place,
      next: 'make room there (metalab env clean NAME removes from file_root what the store has): whatever waits for room then continues by itself',
    },
    { cause },
  );
