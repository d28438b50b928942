import { experimentIdOf } from '../../../storage/file/layout.js';
import type { AskCluster } from '../cluster-retry.js';

/** A network filesystem takes minutes to add up the file sizes of a large spool. */
const SIZES_MS = 600_000;

const EXPERIMENTS = `cd "$1" || exit 74
for d in *@*; do [ ! -d "$d" ] || du -sk -- "$d" || exit 1; done
exit 0`;

export interface SpoolExperiment {
  readonly experiment_id: string;
  readonly size_bytes: number;
}

export async function listExperiments(ask: AskCluster, root: string): Promise<SpoolExperiment[]> {
  const { stdout } = await ask(['sh', '-c', EXPERIMENTS, 'metalab', root], { timeout_ms: SIZES_MS });
  return [...stdout.matchAll(/^(\d+)\t(.+)$/gm)].map(([, kibibytes, name]) => ({
    experiment_id: experimentIdOf(name!),
    size_bytes: Number(kibibytes) * 1024,
  }));
}
