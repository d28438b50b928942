import type { Duration } from './duration.js';
import type { MemorySize } from './memory-size.js';

/** The resources that a run needs. Never part of identity. */
export interface Resources {
  readonly partition?: string;
  readonly account?: string;
  readonly qos?: string;
  /** How long a task may take, seconds. */
  readonly time_s?: number;
  readonly cpus?: number;
  readonly memory_bytes?: number;
  /** A number, or Slurm's own words such as `a100:2`. */
  readonly gpus?: string;
  readonly constraint?: string;
}

/** Resources as an experiment asks for them: they override the resources of the environment's executor. */
export interface ResourceRequest {
  readonly partition?: string;
  readonly account?: string;
  readonly qos?: string;
  /** How long a task of several runs may take: `'2h'`, `'01:30:00'`, `'1-12:00:00'`, or milliseconds. */
  readonly time?: Duration;
  readonly cpus?: number;
  /** Of a task: `'32G'`, or bytes. */
  readonly memory?: MemorySize;
  /** A number, or with their kind: `'a100:2'`. */
  readonly gpus?: number | string;
  readonly constraint?: string;
}

/** @returns the value for `sbatch --gpus`, or `undefined` if it is not valid */
export function parseGpus(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? String(value) : undefined;
  return typeof value === 'string' && /^([\w.-]+:)?\d+$/.test(value) ? value : undefined;
}
