import type { Escalation, Resources, SlurmExecutorConfig } from '../../../config/resolved-config.js';
import type { SlurmState } from '../spool/state-file.js';
import type { ClusterLimits } from './limits/limits.js';

/** The resources that one task of an array requests. */
export interface TaskResources extends Resources {
  readonly cpus: number;
  /** Concurrent runs in the task; at most the number of its CPUs. */
  readonly slots: number;
  /** The job's time limit; null: none. */
  readonly limit_s: number | null;
  /** The requested time, if the cluster allows less. Seconds. */
  readonly cut_from_s?: number;
  /** What a run may use, if the experiment says so: it grows with the rest. */
  readonly run_memory_bytes: number | null;
}

/** Memory beside the runs themselves: for the task's own process, and for a slot's. */
const OWN_MEMORY_BYTES = 192 * 1024 ** 2;

/**
 * The environment's resources, overridden by the experiment's, and increased for what earlier tasks were killed for.
 *
 * @param memoryBytes what a run may use, according to the experiment
 */
export function taskResources(
  executor: SlurmExecutorConfig,
  own: Resources | undefined,
  request: { readonly slots: number | null; readonly memory_bytes: number | null },
  limits: ClusterLimits,
  { escalated }: Pick<SlurmState, 'escalated'>,
): TaskResources {
  const asked: Resources = { ...resourcesOf(executor), ...own };
  const slots = Math.max(1, request.slots ?? asked.cpus ?? 1);
  // Concurrent runs on fewer CPUs than runs would only slow each other down.
  const cpus = Math.max(asked.cpus ?? 1, slots);
  const { escalate } = executor;
  const memory =
    asked.memory_bytes ??
    (request.memory_bytes === null ? undefined : slots * request.memory_bytes + OWN_MEMORY_BYTES);
  const memory_bytes = grow(memory, escalate, 'memory', escalated.memory);
  const time = asked.time_s ?? (escalated.time > 0 ? (limits.default_time_s ?? undefined) : undefined);
  const grown = grow(time, escalate, 'time', escalated.time);
  const time_s = grown === undefined ? undefined : Math.min(grown, limits.max_time_s ?? grown);
  return {
    ...asked,
    cpus,
    slots,
    ...(memory_bytes === undefined ? {} : { memory_bytes }),
    ...(time_s === undefined ? {} : { time_s }),
    limit_s: time_s ?? limits.default_time_s,
    ...(grown !== undefined && time_s !== undefined && time_s < grown ? { cut_from_s: grown } : {}),
    run_memory_bytes: grow(request.memory_bytes ?? undefined, escalate, 'memory', escalated.memory) ?? null,
  };
}

function grow(
  value: number | undefined,
  escalate: Escalation | undefined,
  what: 'memory' | 'time',
  times: number,
) {
  if (value === undefined || times === 0) return value;
  return Math.ceil(value * (escalate?.[what] ?? 1) ** times);
}

function resourcesOf({
  partition,
  account,
  qos,
  time_s,
  cpus,
  memory_bytes,
  gpus,
  constraint,
}: SlurmExecutorConfig) {
  const all = { partition, account, qos, time_s, cpus, memory_bytes, gpus, constraint };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Resources;
}
