/**
 * Finds the cell of a run_id in constant memory: open addressing over typed arrays, 16 bytes of id and 8 of table a
 * cell. A Map of a million strings takes over 100 MB; this takes 24.
 */
export class RunTable {
  /** 16 bytes a cell. */
  readonly #ids: Uint32Array;
  /** Cell + 1 by hash slot; 0 where it is free. */
  readonly #slots: Uint32Array;
  readonly #mask: number;

  constructor(cells: number) {
    this.#ids = new Uint32Array(cells * 4);
    let size = 16;
    while (size < cells * 2) size *= 2;
    this.#slots = new Uint32Array(size);
    this.#mask = size - 1;
  }

  /** @param runId 32 hex digits */
  set(runId: string, cell: number): void {
    const at = cell * 4;
    for (let word = 0; word < 4; word++) this.#ids[at + word] = parseWord(runId, word);
    let slot = this.#ids[at]! & this.#mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot] = cell + 1;
  }

  /** @returns the cell, or -1 where the run_id is none of the table's */
  find(runId: string): number {
    const first = parseWord(runId, 0);
    for (let slot = first & this.#mask; this.#slots[slot] !== 0; slot = (slot + 1) & this.#mask) {
      const cell = this.#slots[slot]! - 1;
      const at = cell * 4;
      if (
        this.#ids[at] === first &&
        [1, 2, 3].every((word) => this.#ids[at + word] === parseWord(runId, word))
      )
        return cell;
    }
    return -1;
  }
}

/** Eight hex digits as an unsigned 32-bit number. */
const parseWord = (hex: string, word: number) => Number.parseInt(hex.slice(word * 8, word * 8 + 8), 16) >>> 0;
