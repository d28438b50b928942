import { createHash } from 'node:crypto';
import type { RunStatus } from '../definition/record.js';
import { finalRank, NO_RANK, statusOfRank } from '../storage/final-record.js';

/** What of a record the table needs. */
interface NotedRecord {
  readonly run_id: string;
  readonly status: RunStatus;
  readonly generation: number;
}

const FIRST_SIZE = 1024;

/**
 * The final status of every run, in constant memory: open addressing over typed arrays, 21 bytes a place, at most half of
 * the places taken. A Map of a million heads takes 300 MB, this 42.
 */
export class StatusTable {
  #ids = new Uint32Array(FIRST_SIZE * 4);
  /** `NO_RANK` where a place is free. */
  #ranks = new Uint32Array(FIRST_SIZE);
  /** 1: the run is of older code or context. */
  #older = new Uint8Array(FIRST_SIZE);
  #used = 0;

  /** @param older whether the run is of older code or context: the same for all records of a run_id */
  add({ run_id, status, generation }: NotedRecord, older: boolean): void {
    if (this.#used * 2 >= this.#ranks.length) this.#grow();
    const id = wordsOf(run_id);
    const place = this.#find(id);
    if (this.#ranks[place] === NO_RANK) this.#used++;
    this.#ids.set(id, place * 4);
    this.#ranks[place] = Math.max(this.#ranks[place]!, finalRank(generation, status));
    this.#older[place] = older ? 1 : 0;
  }

  counts(): { readonly runs: { readonly [status in RunStatus]: number }; readonly older: number } {
    const runs = { success: 0, failed: 0, cancelled: 0 };
    let older = 0;
    for (const [place, rank] of this.#ranks.entries()) {
      if (rank === NO_RANK) continue;
      if (this.#older[place] === 1) older++;
      else runs[statusOfRank(rank)]++;
    }
    return { runs, older };
  }

  /** @returns the id's place, or the free one where it belongs */
  #find([first, second, third, fourth]: Words): number {
    const mask = this.#ranks.length - 1;
    let place = first & mask;
    for (; this.#ranks[place] !== NO_RANK; place = (place + 1) & mask) {
      const at = place * 4;
      const ids = this.#ids;
      if (ids[at] === first && ids[at + 1] === second && ids[at + 2] === third && ids[at + 3] === fourth)
        break;
    }
    return place;
  }

  #grow(): void {
    const [ids, ranks, older] = [this.#ids, this.#ranks, this.#older];
    const size = ranks.length * 2;
    this.#ids = new Uint32Array(size * 4);
    this.#ranks = new Uint32Array(size);
    this.#older = new Uint8Array(size);
    for (const [place, rank] of ranks.entries()) {
      if (rank === NO_RANK) continue;
      const id = ids.subarray(place * 4, place * 4 + 4) as unknown as Words;
      const moved = this.#find(id);
      this.#ids.set(id, moved * 4);
      this.#ranks[moved] = rank;
      this.#older[moved] = older[place]!;
    }
  }
}

type Words = readonly [number, number, number, number];

/** A run_id's 128 bits; of one that others made otherwise, those of its hash. */
function wordsOf(runId: string): Words {
  const hex = /^[0-9a-f]{32}$/.test(runId) ? runId : createHash('sha256').update(runId).digest('hex');
  const word = (index: number) => Number.parseInt(hex.slice(index * 8, index * 8 + 8), 16) >>> 0;
  return [word(0), word(1), word(2), word(3)];
}
