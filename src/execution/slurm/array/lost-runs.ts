import type { LostRun } from '../../../runner/protocol.js';
import type { RangeRequest } from '../../executor.js';
import { RangeExecution } from '../../local/execute-range.js';
import { SlotPool } from '../../local/slot-pool.js';

const NO_LIMIT_MS = 2 ** 31 - 1;
/** It imports no user code. */
const MEMORY_BYTES = 512 * 1024 ** 2;

/**
 * Records runs that the cluster ended directly in the store. A slot on this machine writes them; it imports no
 * operation.
 *
 * @throws ExecutionFault if the store can't be written
 */
export async function recordLost(
  place: Pick<RangeRequest['setup'], 'folder' | 'submission' | 'declaration'>,
  lost: readonly LostRun[],
  options: {
    readonly runner: string;
    readonly provenance: { readonly [key: string]: string | number };
    readonly env: { readonly [name: string]: string };
  },
): Promise<void> {
  const pool = new SlotPool({ runner: options.runner, idleMs: 1_000, provenance: options.provenance });
  try {
    for (const run of [...lost].sort((a, b) => a.position - b.position)) {
      const range: RangeRequest = {
        setup: { ...place, record_only: true },
        order: { from: run.position, to: run.position + 1, budget_ms: NO_LIMIT_MS, lost: [run] },
        timeout_ms: null,
        memory_bytes: MEMORY_BYTES,
        cwd: place.folder,
        env: options.env,
      };
      const signal = { onStop: () => () => {} };
      await new RangeExecution(range, pool, { signal, onProgress: () => {} }).run();
    }
  } finally {
    await pool.close();
  }
}
