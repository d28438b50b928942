import { formatBytes } from '../../definition/format-bytes.js';
import { formatDuration } from '../../definition/format-duration.js';
import type { JsonObject, JsonValue } from '../../definition/json.js';

type Word = (value: JsonValue) => string;

const asText: Word = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
const asBytes: Word = (value) => (typeof value === 'number' ? formatBytes(value) : asText(value));
const asDuration: Word = (value) => (typeof value === 'number' ? formatDuration(value) : asText(value));

/** The keys that a record has of its Slurm task, most useful first. */
const OF_SLURM: readonly (readonly [key: string, title: string, word: Word])[] = [
  ['environment', 'environment', asText],
  ['job', 'job', asText],
  ['task', 'task', asText],
  ['slurm_node', 'node', asText],
  ['partition', 'partition', asText],
  ['slurm_state', 'state', asText],
  ['task_elapsed_ms', 'task ran for', asDuration],
  ['elapsed_ms', 'task ran for', asDuration],
  ['max_rss_bytes', 'MaxRSS', asBytes],
];

/** A record's provenance, with Slurm's values in words. */
export function describeProvenance(provenance: JsonObject): {
  readonly slurm: readonly (readonly [title: string, text: string])[];
  readonly others: JsonObject;
} {
  if (provenance.executor !== 'slurm') return { slurm: [], others: provenance };
  const known = new Set(OF_SLURM.map(([key]) => key));
  return {
    slurm: OF_SLURM.flatMap(([key, title, word]) => {
      const value = provenance[key];
      return value === undefined || value === null ? [] : [[title, word(value)] as const];
    }),
    others: Object.fromEntries(Object.entries(provenance).filter(([key]) => !known.has(key))),
  };
}
