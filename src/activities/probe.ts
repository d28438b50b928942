import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProbeInput } from '../contract/activities.js';
import { storeFault } from '../storage/file/faults.js';
import { temporaryBeside } from '../storage/file/owner.js';
import type { ActivityDependencies } from './dependencies.js';
import { formatUnwritable } from './failures.js';

/** Room for a segment to grow: resuming with less would fail again immediately. */
const ENOUGH = Buffer.alloc(1024 * 1024, 0x20);

export function createProbe({ openStore, leases, refuseStrangers }: ActivityDependencies) {
  return async (input: ProbeInput): Promise<string | null> => {
    try {
      const store = await openStore(input.store);
      const { root } = store;
      refuseStrangers(store, { ...input, folder: store.experimentFolder(input.experiment_id) });
      await leases.retake(store);
      await tryToWrite(root, temporaryBeside(join(root, 'probe')));
      return null;
    } catch (error) {
      return error instanceof Error ? formatUnwritable(error) : String(error);
    }
  };
}

async function tryToWrite(root: string, path: string): Promise<void> {
  try {
    const file = await open(path, 'wx');
    try {
      await file.writeFile(ENOUGH);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw storeFault(error, root);
  } finally {
    await rm(path, { force: true });
  }
}
