import { createHash } from 'node:crypto';
import type { SlurmExecutorConfig } from '../../config/resolved-config.js';
import type { ClusterLimits } from '../../execution/slurm/submit/limits/limits.js';
import { formatTime } from '../../execution/slurm/submit/sbatch-arguments.js';
import type { SlurmFragment } from '../plugin.js';
import { outputFile, scriptFile } from './cluster-files.js';

/** What `squeue` shows. */
const JOB_NAME = 'metalab-services';
/** A job that may take longer waits longer in most queues; it is followed by another one. */
const MAX_TIME_S = 7 * 24 * 3600;
/** Time for stopping in order: a database writes what it has in memory. */
const END_BEFORE_S = 60;
/** For the script itself. */
const OWN_MEMORY_MB = 32;

/**
 * A job's comment, by which it is found if the answer of its submission is lost. People know it by its name, which all of
 * an environment's jobs share, so it can't be found by that.
 */
export const commentOf = (job: string): string =>
  `${JOB_NAME}-${createHash('sha256').update(job).digest('hex').slice(0, 16)}`;

/** How long a job may run. Seconds. */
export const timeOf = ({ max_time_s }: Pick<ClusterLimits, 'max_time_s'>): number =>
  Math.min(max_time_s ?? MAX_TIME_S, MAX_TIME_S);

/**
 * Arguments of `sbatch`. The environment's own come last, so they override the others.
 *
 * @param job its folder
 * @param after Slurm's id of the job that has to end before
 */
export function sbatchArguments(
  job: string,
  fragments: readonly Pick<SlurmFragment, 'cpus' | 'memory_mb'>[],
  { partition, account, qos, constraint, extra_sbatch }: SlurmExecutorConfig,
  time_s: number,
  after: string | undefined,
): string[] {
  const sum = (key: 'cpus' | 'memory_mb') => fragments.reduce((total, one) => total + one[key], 0);
  const options: [string, string | number | undefined][] = [
    ['job-name', JOB_NAME],
    ['comment', commentOf(job)],
    ['array', '0-0'],
    ['output', outputFile(job).replaceAll('%', '%%')],
    ['open-mode', 'append'],
    ['nodes', 1],
    ['ntasks', 1],
    ['cpus-per-task', sum('cpus')],
    ['mem', `${sum('memory_mb') + OWN_MEMORY_MB}M`],
    ['partition', partition],
    ['account', account],
    ['qos', qos],
    ['constraint', constraint],
    ['time', formatTime(time_s)],
    ['dependency', after === undefined ? undefined : `afterany:${after}`],
    ['signal', `B:USR1@${Math.floor(Math.min(END_BEFORE_S, time_s / 4))}`],
  ];
  return [
    ...options.flatMap(([option, value]) => (value === undefined ? [] : [`--${option}=${value}`])),
    // Another one is submitted instead: with ports that are free on its node.
    '--no-requeue',
    ...extra_sbatch,
    scriptFile(job),
  ];
}
