import type { DerivedLine } from '../../storage/file/formats/derived.js';
import { listSegments, readObjects } from '../../storage/file/formats/segments.js';
import { openStore } from '../../storage/registry.js';
import type { RunHandle } from '../run-handle.js';

/** A derivation that failed while runs were executed, by its error. */
export interface FailedDerivation {
  readonly derivation: string;
  readonly message: string;
  readonly runs: number;
  /** One of them. */
  readonly run_id: string;
}

/** Reads which derivations failed for runs of a submission, most frequent first. */
export async function readFailedDerivations({
  store: uri,
  experimentId,
  submission,
}: RunHandle): Promise<FailedDerivation[]> {
  const folder = (await openStore(uri)).experimentFolder(experimentId);
  const failed = new Map<string, FailedDerivation>();
  for (const { path } of await listSegments(folder, 'derived', submission)) {
    for await (const { object } of readObjects<DerivedLine>(path, { matching: ',"error":{' })) {
      const { derivation, run_id, error } = object;
      if (!error) continue;
      const message = `${error.type}: ${error.message}`;
      const key = `${derivation} ${message}`;
      const known = failed.get(key) ?? { derivation, message, runs: 0, run_id };
      failed.set(key, { ...known, runs: known.runs + 1 });
    }
  }
  return [...failed.values()].sort((a, b) => b.runs - a.runs);
}
