/** A service's log that is larger is moved to `….1`, which it replaces. */
export const MAX_LOG_BYTES = 16 * 2 ** 20;
