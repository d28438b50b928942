import type { RunStatus } from '../definition/record.js';

/** What the rule looks at. */
export interface Contender {
  readonly generation: number;
  readonly status: RunStatus;
  /** ISO 8601, UTC: compares as text. */
  readonly finished_at: string;
  readonly segment: string;
  readonly offset: number;
}

/** Lower is better. */
const STATUS_RANK: { readonly [status in RunStatus]: number } = {
  success: 0,
  failed: 1,
  cancelled: 2,
};

/**
 * The rule of the final record, the one for every reader: of all records of a run_id, the one that sorts first.
 * Highest generation, then success before failed before cancelled, then earliest finished, then segment and offset: so a
 * zombie's late writes change nothing. Readers in SQL order by {@link FINAL_RECORD_ORDER}, the same keys.
 */
export function compareContenders(a: Contender, b: Contender): number {
  return (
    b.generation - a.generation ||
    STATUS_RANK[a.status] - STATUS_RANK[b.status] ||
    compareText(a.finished_at, b.finished_at) ||
    compareText(a.segment, b.segment) ||
    a.offset - b.offset
  );
}

/** The same rule as SQL, for columns named as in the record, plus `segment` and `segment_offset`. */
export const FINAL_RECORD_ORDER = `generation DESC, CASE status WHEN 'success' THEN 0 WHEN 'failed' THEN 1 ELSE 2 END, finished_at, segment, segment_offset`;

/** What fits beside the status in 32 bits. Each generation is an execution that somebody asked for. */
const MAX_GENERATION = 2 ** 30 - 1;

/** No record. */
export const NO_RANK = 0;

/**
 * The rule's first two keys as one unsigned 32-bit number: the record with the highest is the final one. For readers that
 * only need its status and generation, and keep one number a run.
 */
export const finalRank = (generation: number, status: RunStatus): number =>
  Math.min(generation, MAX_GENERATION) * 4 + 3 - STATUS_RANK[status];

/** @param rank not {@link NO_RANK} */
export const statusOfRank = (rank: number): RunStatus => STATUS_OF_DIGIT[rank % 4]!;

export const generationOfRank = (rank: number): number => rank >>> 2;

const STATUS_OF_DIGIT: readonly (RunStatus | undefined)[] = [undefined, 'cancelled', 'failed', 'success'];

export const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
