import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { type OwnedRig, startRig } from './start.mjs';

/** A Slurm cluster for a test file, taken down after it. */
export async function useRig(options: Parameters<typeof startRig>[0] = {}): Promise<OwnedRig> {
  const rig = await startRig(options);
  afterAll(() => rig.down());
  return rig;
}

/** Cancels all jobs, and waits until Slurm has ended them. */
export async function cancelAllJobs(rig: OwnedRig): Promise<void> {
  await rig.run(['sh', '-c', 'scancel --user="$(id -un)"']);
  while ((await rig.run(['squeue', '--noheader'])).stdout !== '') await sleep(100);
}
