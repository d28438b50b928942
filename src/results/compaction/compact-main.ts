import { rmSync } from 'node:fs';
import { setPriority } from 'node:os';
import { messageOf } from '../../definition/errors.js';
import { loadDuckdb } from '../duckdb/load-duckdb.js';
import { compactRuns } from './compact.js';
import type { CompactionAnswer, CompactionRequest } from './compact-in-child.js';

/**
 * The program of the child that compacts experiments: it is told which by messages, one after the other, and answers how many
 * runs it wrote, or why it failed. Without its parent it ends.
 */
const MIN_URGENT = 19;
let scratch: string | undefined;

// By force: DuckDB's threads may be in the middle of something, and all that counts is published by one rename.
process.once('disconnect', () => {
  if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
  process.kill(process.pid, 'SIGKILL');
});

process.on('message', async (request: CompactionRequest) => {
  if (!request.urgent) setPriority(MIN_URGENT);
  scratch = request.scratch;
  const answer: CompactionAnswer = await compactRuns(request.folder, scratch, request).then(
    (runs) => ({ runs }),
    (error: unknown) => ({ failure: messageOf(error) }),
  );
  process.send?.(answer);
});

// Loading it takes longer than compacting some hundred runs: done before the first request comes.
loadDuckdb();
