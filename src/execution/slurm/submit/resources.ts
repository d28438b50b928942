import type { Escalation, Resources, SlurmExecutorConfig } from '../../../config/resolved-config.js';
import type { SlurmState } from '../spool/state-file.js';
import type { ClusterLimits } from './limits/limits.js';

/** What one task of an array asks for. */
export interface TaskResources extends Resources {
  readonly cpus: number;
  /** Runs of the task at once; no more than its cpus. */
  readonly slots: number;
  /** The time limit that the job will have; null: none. */
  readonly limit_s: number | null;
  /** The time that was asked for, where the cluster allows less: seconds. */
  readonly cut_from_s?: number;
  /** What a run may use, where the experiment says so: that grows with the rest. */
  readonly run_memory_bytes: number | null;
}

/** Beside the runs themselves: the task's own process, and a slot's. */
const OWN_MEMORY_BYTES = 192 * 1024 ** 2;

/**
 * The environment's resources, with the experiment's over them, grown by what earlier tasks were killed for the want of.
 *
 * @param memoryBytes what the experiment says that a run may use
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
  // Runs at once that share fewer cpus than they are would only slow each other down.
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
