const FULL_OR_BROKEN = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'ESTALE']);

/** The system's error code of a failed write to the store, e.g. `ENOSPC`. */
export function storeFaultCode(thrown: unknown): string {
  return (thrown as NodeJS.ErrnoException | undefined)?.code ?? 'STORE';
}

/** Whether an error while copying a file concerns the store, and not the file that a run named. */
export const isFullOrBroken = (thrown: unknown): boolean => FULL_OR_BROKEN.has(storeFaultCode(thrown));
