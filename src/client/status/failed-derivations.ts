import { type DeriveFailure, FailureCounter } from '../../results/derive/failures.js';
import type { DerivedLine } from '../../storage/file/formats/derived.js';
import { listSegments, readObjects } from '../../storage/file/formats/segments.js';
import { openWorkingDirectory } from '../../storage/registry.js';
import type { RunHandle } from '../run-handle.js';

/** Reads which derivations failed for runs of a submission, most frequent first. */
export async function readFailedDerivations({
  store: uri,
  experimentId,
  submission,
}: RunHandle): Promise<DeriveFailure[]> {
  const folder = (await openWorkingDirectory(uri)).experimentFolder(experimentId);
  const failed = new FailureCounter();
  for (const { path } of await listSegments(folder, 'derived', submission)) {
    for await (const { object } of readObjects<DerivedLine>(path, { matching: ',"error":{' })) {
      const { derivation, run_id, error } = object;
      if (error) failed.add({ derivation, run_id, message: `${error.type}: ${error.message}` });
    }
  }
  return failed.list();
}
