import type { SlurmExecutorConfig } from '../../../config/resolved-config.js';
import { batchScriptFile, outputPattern } from '../spool/spool-layout.js';
import type { TaskResources } from './resources.js';

export interface ArrayRequest {
  /** The array's folder in the spool. */
  readonly array: string;
  readonly name: string;
  readonly tasks: number;
  readonly resources: TaskResources;
  readonly excluded: readonly string[];
}

/** Arguments of `sbatch` for an array. The environment's own come last, so they override the others. */
export function sbatchArguments(
  { array, name, tasks, resources, excluded }: ArrayRequest,
  config: SlurmExecutorConfig,
): string[] {
  const { max_concurrent, mail_user, mail_type, extra_sbatch } = config;
  const { partition, account, qos, time_s, cpus, memory_bytes, gpus, constraint } = resources;
  const options: [string, string | number | undefined][] = [
    ['job-name', name],
    ['array', `0-${tasks - 1}${max_concurrent === undefined ? '' : `%${max_concurrent}`}`],
    ['output', outputPattern(array)],
    ['open-mode', 'append'],
    ['nodes', 1],
    ['ntasks', 1],
    ['cpus-per-task', cpus],
    ['partition', partition],
    ['account', account],
    ['qos', qos],
    ['time', time_s === undefined ? undefined : formatTime(time_s)],
    ['mem', memory_bytes === undefined ? undefined : `${Math.ceil(memory_bytes / 1024 ** 2)}M`],
    ['gres', gpus === undefined ? undefined : `gpu:${gpus}`],
    ['constraint', constraint],
    ['exclude', excluded.length === 0 ? undefined : excluded.join(',')],
    ['mail-user', mail_user],
    ['mail-type', mail_type],
  ];
  return [
    ...options.flatMap(([option, value]) => (value === undefined ? [] : [`--${option}=${value}`])),
    '--requeue',
    ...extra_sbatch,
    batchScriptFile(array),
  ];
}

/** `days-hours:minutes:seconds`. */
export function formatTime(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${Math.floor(whole / 86_400)}-${two((whole % 86_400) / 3600)}:${two((whole % 3600) / 60)}:${two(whole % 60)}`;
}
