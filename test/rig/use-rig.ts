import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, vi } from 'vitest';
import { cacheFolder } from '../../src/access/own-folders.js';
import { type OwnedRig, startRig } from './start.mjs';

/** A Slurm cluster for a test file, taken down after it. */
export async function useRig(options: Parameters<typeof startRig>[0] = {}): Promise<OwnedRig> {
  const rig = await startRig(options);
  afterAll(() => rig.down());
  return rig;
}

/**
 * A Slurm cluster for a test file, which the Slurm commands of this process reach without SSH. Jobs are login shells: with
 * the rig's home they don't run the user's profile.
 */
export async function useLocalRig(options?: Parameters<typeof startRig>[0]): Promise<OwnedRig> {
  const rig = await useRig(options);
  // Downloads still use the user's cache and npm registry.
  vi.stubEnv('METALAB_CACHE', cacheFolder());
  vi.stubEnv('npm_config_userconfig', process.env.npm_config_userconfig ?? join(homedir(), '.npmrc'));
  vi.stubEnv('HOME', rig.home);
  vi.stubEnv('SLURM_CONF', rig.env.SLURM_CONF);
  return rig;
}

/** Cancels all jobs, and waits until Slurm has ended them. */
export async function cancelAllJobs(rig: OwnedRig): Promise<void> {
  await rig.run(['sh', '-c', 'scancel --user="$(id -un)"']);
  while ((await rig.run(['squeue', '--noheader'])).stdout !== '') await sleep(100);
}
