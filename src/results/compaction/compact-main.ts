import { rmSync } from 'node:fs';
import { setPriority } from 'node:os';
import { compactRuns } from './compact.js';

/**
 * The program of the child that compacts one experiment: `node compact-main.js FOLDER SCRATCH`. It tells its parent how
 * many runs it wrote, and why it failed; without its parent it ends.
 */
const [folder = '', scratch = ''] = process.argv.slice(2);

const MIN_URGENT = 19;
setPriority(MIN_URGENT);

// By force: DuckDB's threads may be in the middle of something, and all that counts is published by one rename.
process.once('disconnect', () => {
  rmSync(scratch, { recursive: true, force: true });
  process.kill(process.pid, 'SIGKILL');
});

const answer = await compactRuns(folder, scratch).then(
  (runs) => ({ runs }),
  (error: unknown) => ({ failure: error instanceof Error ? error.message : String(error) }),
);
process.send?.(answer, () => process.disconnect());
