import { copyFileSync, statSync, truncateSync } from 'node:fs';
import { MAX_LOG_BYTES } from '../log-size.js';

/**
 * Moves what a log has to `….1`, where it is large. What writes to it appends, and goes on: a line that is written
 * meanwhile may be lost. Where it can't be copied, as on a full disk, it stays as it is.
 */
export function boundLog(log: string): void {
  try {
    if (statSync(log).size <= MAX_LOG_BYTES) return;
    copyFileSync(log, `${log}.1`);
    truncateSync(log);
  } catch {
    // It does not exist, or there is no room.
  }
}
