import type { RunStatus } from '../definition/record.js';
import { STATUS_RANK } from '../storage/final-record.js';

/** What fits beside the status. Each generation is an execution that somebody asked for: nobody asks for a billion. */
const MAX_GENERATIONS = 2 ** 30 - 1;

/** No record yet. */
const NONE = 0;

/**
 * The final record's generation and status of every cell, by the rule's first two keys; the others decide no plan. Four
 * bytes a cell, of memory that threads share: generation and status make one number, of which the highest stands, so
 * that it does not matter who comes first.
 */
export class FinalStatuses {
  readonly #standings: Uint32Array;

  /** @param memory four bytes a cell, all zero */
  constructor(memory: SharedArrayBuffer) {
    this.#standings = new Uint32Array(memory);
  }

  static bytes(cells: number): number {
    return cells * 4;
  }

  get cells(): number {
    return this.#standings.length;
  }

  /** A record of the cell: it stands if it is better than what stood. */
  raise(cell: number, generation: number, status: RunStatus): void {
    const standings = this.#standings;
    const standing = Math.min(generation, MAX_GENERATIONS) * 4 + 3 - STATUS_RANK[status];
    for (let before = standings[cell]!; standing > before; ) {
      const found = Atomics.compareExchange(standings, cell, before, standing);
      if (found === before) return;
      before = found;
    }
  }

  isNone(cell: number): boolean {
    return this.#standings[cell] === NONE;
  }

  /** Of a cell that has a record. */
  status(cell: number): RunStatus {
    const digit = this.#standings[cell]! % 4;
    return digit === 3 ? 'success' : digit === 2 ? 'failed' : 'cancelled';
  }

  generation(cell: number): number {
    return this.#standings[cell]! >>> 2;
  }
}
