import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProbeInput } from '../contract/activities.js';
import { faultCode, storeFault } from '../storage/file/faults.js';
import { temporaryBeside } from '../storage/file/owner.js';
import type { ActivityDependencies } from './dependencies.js';
import { formatUnwritable } from './failures.js';

/** Room for a segment to grow: resuming with less would fail again immediately. */
const PROBE_BYTES = Buffer.alloc(1024 * 1024, 0x20);

export function createProbe({ openStore, leases, refuseStrangers }: ActivityDependencies) {
  return async (input: ProbeInput): Promise<string | null> => {
    try {
      const store = await openStore(input.store);
      const experiment = store.experimentFolder(input.experiment_id);
      refuseStrangers(store, { ...input, folder: experiment });
      await leases.retake(store);
      for (const folder of [store.root, experiment]) await tryToWrite(folder);
      return null;
    } catch (error) {
      return error instanceof Error ? formatUnwritable(error) : String(error);
    }
  };
}

/** @throws StoreError naming the folder; not if the folder is gone: what needs it reports that */
async function tryToWrite(folder: string): Promise<void> {
  const path = temporaryBeside(join(folder, 'probe'));
  try {
    const file = await open(path, 'wx');
    try {
      await file.writeFile(PROBE_BYTES);
      await file.sync();
    } finally {
      await file.close();
    }
    await rm(path);
  } catch (error) {
    await rm(path, { force: true }).catch(() => {});
    if (faultCode(error) !== 'ENOENT') throw storeFault(error, folder);
  }
}
