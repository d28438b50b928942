import { type ErrorParts, MetalabError } from '../definition/errors.js';
import type { TransportFault } from './transport.js';

interface TransportErrorParts extends ErrorParts {
  readonly code: TransportFault;
}

/** Thrown when a place could not be asked, or a file there could not be read or written. `code` says which. */
export class TransportError extends MetalabError {
  override readonly name = 'TransportError';
  declare readonly code: TransportFault;

  // Only narrows what MetalabError takes.
  constructor(parts: TransportErrorParts, options?: ErrorOptions) {
    super(parts, options);
  }
}

/** The connection was there, and went: what was asked may have happened. */
export const lostError = (place: string, cause?: unknown) =>
  new TransportError(
    {
      code: 'METALAB_TRANSPORT_LOST',
      what: `the connection was lost${cause instanceof Error ? ` (${cause.message})` : ''}`,
      where: place,
      next: 'ask again: the next call connects anew',
    },
    { cause },
  );

/** @param what what took too long, as `the command sbatch` */
export const timeoutError = (place: string, what: string, timeout_ms: number) =>
  new TransportError({
    code: 'METALAB_TRANSPORT_TIMEOUT',
    what: `no answer within ${timeout_ms / 1000} s: ${what}`,
    where: place,
  });

/** A file that could not be read or written, there or here. */
export const fileError = (place: string, path: string, reason: string, cause?: unknown) =>
  new TransportError(
    { code: 'METALAB_TRANSPORT_FILE', what: `${JSON.stringify(path)}: ${reason}`, where: place },
    { cause },
  );

/** @param what as `no space left on /scratch` */
export const spaceError = (place: string, what: string, cause?: unknown) =>
  new TransportError(
    {
      code: 'METALAB_TRANSPORT_NO_SPACE',
      what,
      where: place,
      next: 'make room there (metalab env clean NAME removes from file_root what the store has): what waits for it goes on by itself',
    },
    { cause },
  );
