import type { ChunkNotice } from '../contract/workflow.js';
import type { DoneRuns } from '../definition/failure-limit.js';
import type { PositionRange } from '../definition/position-range.js';

/** The work of one execute activity. */
export interface Chunk extends PositionRange {
  /** For a batch: its positions, ascending. */
  readonly ranges?: readonly PositionRange[];
  /** For a batch: `emptyBatches` when it was handed out. */
  readonly emptyBefore?: number;
}

/** The chunks and batches that are handed out, and what they have reported so far. Contains no Temporal code. */
export class ChunksInProgress {
  /** By their first positions, as the other maps. */
  readonly #chunks = new Map<number, Chunk>();
  readonly #waits = new Map<number, string>();
  readonly #runs = new Map<number, DoneRuns>();

  get chunks(): ReadonlyMap<number, Chunk> {
    return this.#chunks;
  }

  /** Why one of them, or planning, waits; undefined if none does. */
  get waits(): string | undefined {
    return [...this.#waits.values()][0];
  }

  /** The runs that batches have done so far. */
  get runsOfBatches(): DoneRuns {
    const sum = { failed: 0, done: 0 };
    for (const { failed, done } of this.#runs.values()) {
      sum.failed += failed;
      sum.done += done;
    }
    return sum;
  }

  add(chunk: Chunk): void {
    this.#chunks.set(chunk.from, chunk);
  }

  /** @returns the chunk without what it had given back before */
  remove(chunk: Chunk): Chunk {
    const current = this.#chunks.get(chunk.from) ?? chunk;
    this.#chunks.delete(chunk.from);
    this.#waits.delete(chunk.from);
    this.#runs.delete(chunk.from);
    return current;
  }

  clearWaits(): void {
    this.#waits.clear();
  }

  /** @returns the positions that the chunk gives back */
  update({ from, next, waits, runs }: Omit<ChunkNotice, 'submission'>): PositionRange | undefined {
    if (waits) this.#waits.set(from, waits);
    else if (waits === null) this.#waits.delete(from);
    const chunk = this.#chunks.get(from);
    if (!chunk) return undefined;
    if (runs) this.#runs.set(from, runs);
    if (next === undefined || next <= from || next >= chunk.to || chunk.ranges) return undefined;
    this.#chunks.set(from, { from, to: next });
    return { from: next, to: chunk.to };
  }
}
