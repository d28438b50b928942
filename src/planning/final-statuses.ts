import type { RunStatus } from '../definition/record.js';
import { finalRank, generationOfRank, NO_RANK, statusOfRank } from '../storage/final-record.js';

/**
 * The generation and status of every cell's final record, in four bytes per cell of shared memory. Threads may find
 * records in any order, because the highest rank wins.
 */
export class FinalStatuses {
  readonly #ranks: Uint32Array;

  /** @param memory four bytes a cell, all zero */
  constructor(memory: SharedArrayBuffer) {
    this.#ranks = new Uint32Array(memory);
  }

  static bytes(cells: number): number {
    return cells * 4;
  }

  get cells(): number {
    return this.#ranks.length;
  }

  /** Adds a record of the cell. */
  note(cell: number, generation: number, status: RunStatus): void {
    const rank = finalRank(generation, status);
    for (let before = this.#ranks[cell]!; rank > before; ) {
      const found = Atomics.compareExchange(this.#ranks, cell, before, rank);
      if (found === before) return;
      before = found;
    }
  }

  isNone(cell: number): boolean {
    return this.#ranks[cell] === NO_RANK;
  }

  /** Only for a cell that has a record. */
  status(cell: number): RunStatus {
    return statusOfRank(this.#ranks[cell]!);
  }

  generation(cell: number): number {
    return generationOfRank(this.#ranks[cell]!);
  }
}
