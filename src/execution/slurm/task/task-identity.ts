import { hostname } from 'node:os';
import { MIB } from '../../../definition/memory-size.js';

/** What Slurm tells a task about itself. */
export interface TaskIdentity {
  readonly task: number;
  readonly restart: number;
  /** The array's job id, as `sbatch` printed it. */
  readonly job: string;
  /** The task's own job id. */
  readonly job_id: string;
  readonly node: string;
  readonly partition: string | null;
  /** When its time limit ends it, wall clock, milliseconds; null if this Slurm does not tell (22.05 does not). */
  readonly ends_at: number | null;
  /** Memory allocated to all slots together, bytes; null if there is no limit. */
  readonly memory_bytes: number | null;
}

/** @throws Error if this is no task of a Slurm array */
export function taskIdentity(env: { readonly [name: string]: string | undefined }): TaskIdentity {
  const task = wholeNumber(env.SLURM_ARRAY_TASK_ID);
  const job = env.SLURM_ARRAY_JOB_ID;
  if (task === null || !job)
    throw new Error(
      'SLURM_ARRAY_TASK_ID and SLURM_ARRAY_JOB_ID are not set: this runs in tasks of a Slurm array only',
    );
  const endTime = wholeNumber(env.SLURM_JOB_END_TIME);
  return {
    task,
    restart: wholeNumber(env.SLURM_RESTART_COUNT) ?? 0,
    job,
    job_id: env.SLURM_JOB_ID ?? job,
    node: env.SLURMD_NODENAME ?? hostname(),
    partition: env.SLURM_JOB_PARTITION ?? null,
    ends_at: endTime === null ? null : endTime * 1000,
    memory_bytes: allocatedMemory(env),
  };
}

function allocatedMemory(env: { readonly [name: string]: string | undefined }): number | null {
  const ofNode = wholeNumber(env.SLURM_MEM_PER_NODE);
  const ofCpu = wholeNumber(env.SLURM_MEM_PER_CPU);
  const cpus = wholeNumber(env.SLURM_CPUS_ON_NODE) ?? 1;
  // 0 means all of the node's memory.
  const mebibytes = ofNode || (ofCpu ?? 0) * cpus;
  return mebibytes > 0 ? mebibytes * MIB : null;
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}
