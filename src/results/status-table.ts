import { createHash } from 'node:crypto';
import type { RunStatus } from '../definition/record.js';
import { STATUS_RANK } from '../storage/final-record.js';

/** What the table keeps of a run's final record: the rule's first two keys decide it. */
interface Standing {
  readonly run_id: string;
  readonly status: RunStatus;
  readonly generation: number;
}

const FIRST_SIZE = 1024;
const FREE = 255;
const OLDER = 128;

/**
 * The final status of every run, in constant memory: open addressing over typed arrays, 21 bytes a place, at most half of
 * the places taken. A Map of a million heads takes 300 MB, this 42.
 */
export class StatusTable {
  #ids = new Uint32Array(FIRST_SIZE * 4);
  #generations = new Uint32Array(FIRST_SIZE);
  /** The status's rank, and whether the run is of older code or context. */
  #marks = new Uint8Array(FIRST_SIZE).fill(FREE);
  #used = 0;

  /** @param older whether the run is of older code or context: the same for all records of a run_id */
  add({ run_id, status, generation }: Standing, older: boolean): void {
    if (this.#used * 2 >= this.#marks.length) this.#grow();
    const id = wordsOf(run_id);
    const place = this.#find(id);
    const rank = STATUS_RANK[status];
    if (this.#marks[place] === FREE) this.#used++;
    else {
      const standing = this.#generations[place]!;
      if (generation < standing) return;
      if (generation === standing && rank >= (this.#marks[place]! & ~OLDER)) return;
    }
    this.#ids.set(id, place * 4);
    this.#generations[place] = generation;
    this.#marks[place] = older ? rank | OLDER : rank;
  }

  counts(): { readonly runs: { readonly [status in RunStatus]: number }; readonly older: number } {
    const ranks = [0, 0, 0];
    let older = 0;
    for (const mark of this.#marks) {
      if (mark === FREE) continue;
      if (mark & OLDER) older++;
      else ranks[mark]!++;
    }
    const of = (status: RunStatus) => ranks[STATUS_RANK[status]]!;
    return { runs: { success: of('success'), failed: of('failed'), cancelled: of('cancelled') }, older };
  }

  /** @returns the id's place, or the free one where it belongs */
  #find([first, second, third, fourth]: Words): number {
    const mask = this.#marks.length - 1;
    let place = first & mask;
    for (; this.#marks[place] !== FREE; place = (place + 1) & mask) {
      const at = place * 4;
      const ids = this.#ids;
      if (ids[at] === first && ids[at + 1] === second && ids[at + 2] === third && ids[at + 3] === fourth)
        break;
    }
    return place;
  }

  #grow(): void {
    const [ids, generations, marks] = [this.#ids, this.#generations, this.#marks];
    const size = marks.length * 2;
    this.#ids = new Uint32Array(size * 4);
    this.#generations = new Uint32Array(size);
    this.#marks = new Uint8Array(size).fill(FREE);
    for (const [place, mark] of marks.entries()) {
      if (mark === FREE) continue;
      const id = ids.subarray(place * 4, place * 4 + 4) as unknown as Words;
      const moved = this.#find(id);
      this.#ids.set(id, moved * 4);
      this.#generations[moved] = generations[place]!;
      this.#marks[moved] = mark;
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
