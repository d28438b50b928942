import type { Problem } from './errors.js';

/** Which devices of its machine a program uses. On a cluster, a task may use only the devices of its allocation. */
export const DEVICE_VARIABLES: readonly string[] = [
  'CUDA_VISIBLE_DEVICES',
  'CUDA_DEVICE_ORDER',
  'NVIDIA_VISIBLE_DEVICES',
  'ROCR_VISIBLE_DEVICES',
  'HIP_VISIBLE_DEVICES',
  'GPU_DEVICE_ORDINAL',
  'ZE_AFFINITY_MASK',
];

/** How many threads libraries start. */
const THREAD_VARIABLES = [
  'OMP_NUM_THREADS',
  'OMP_THREAD_LIMIT',
  'OMP_PROC_BIND',
  'OMP_PLACES',
  'KMP_AFFINITY',
  'GOMP_CPU_AFFINITY',
  'OPENBLAS_NUM_THREADS',
  'GOTO_NUM_THREADS',
  'MKL_NUM_THREADS',
  'BLIS_NUM_THREADS',
  'VECLIB_MAXIMUM_THREADS',
  'NUMEXPR_NUM_THREADS',
  'NUMEXPR_MAX_THREADS',
  'NUMBA_NUM_THREADS',
  'RAYON_NUM_THREADS',
  'POLARS_MAX_THREADS',
  'JULIA_NUM_THREADS',
  'UV_THREADPOOL_SIZE',
];

/**
 * The variables that every run sees, in addition to those that the experiment names in `env`. Devices and threads say
 * how much of the machine a run uses, not what it computes. No variable is part of a run's identity.
 */
const ALWAYS = ['PATH', 'HOME', 'LANG', 'TMPDIR', ...DEVICE_VARIABLES, ...THREAD_VARIABLES];

/** Whether every run sees a variable if it is set: those above, and Slurm's variables. */
export const isAlwaysSeen = (name: string): boolean => ALWAYS.includes(name) || /^SLURM_/.test(name);

/**
 * The environment that runs see: only named variables, so that no other variable can silently change a result.
 *
 * @param names the experiment's `env`
 */
export function pickEnvironment(
  environment: { readonly [name: string]: string | undefined },
  names: readonly string[],
): Record<string, string> {
  const entries = [...ALWAYS, ...names].map((name) => [name, environment[name]] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** A problem for each variable of the experiment's `env` that is not set: its runs would see no value. */
export const unsetVariables = (
  environment: { readonly [name: string]: string | undefined },
  names: readonly string[],
): Problem[] =>
  names
    .filter((name) => environment[name] === undefined)
    .map((name) => ({
      where: 'env',
      what: `the environment variable ${name} is not set`,
      expected: 'a value for the runs',
      next: `export ${name}=… and submit again, or remove it from env`,
    }));
