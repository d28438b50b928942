import type { PositionRange } from '../../../definition/position-range.js';
import { RUN_STATUSES, type RunStatus } from '../../../definition/record.js';
import { scanLines } from '../../../storage/file/formats/lines.js';
import { RecordHeads } from '../../../storage/file/formats/record-head.js';
import { listSegments } from '../../../storage/file/formats/segments.js';
import { finalRank, NO_RANK, statusOfRank } from '../../../storage/final-record.js';

/** Some positions of a plan, in order, and their cells. */
export interface PlannedCells {
  readonly ranges: readonly PositionRange[];
  readonly cells: Uint32Array;
}

/** The final records of a submission's cells, four bytes a cell; of its segments only what is new is read. */
export class RecordedCells {
  readonly #folder: string;
  readonly #submission: string;
  readonly #offsets = new Map<string, number>();
  readonly #heads = new RecordHeads({ whole: true });
  #ranks = new Uint32Array(1024);
  #scanning: Promise<void> = Promise.resolve();

  constructor(folder: string, submission: string) {
    this.#folder = folder;
    this.#submission = submission;
  }

  /** Reads what was added to the store since the last scan. */
  scan(): Promise<void> {
    const scan = this.#scanning.then(() => this.#read());
    this.#scanning = scan.catch(() => {});
    return scan;
  }

  statusOf(cell: number): RunStatus | undefined {
    const rank = this.#ranks[cell] ?? NO_RANK;
    return rank === NO_RANK ? undefined : statusOfRank(rank);
  }

  /** How many of the given cells have each status. */
  count(cells: Uint32Array): { readonly [status in RunStatus]: number } & { readonly recorded: number } {
    const counts = { success: 0, failed: 0, cancelled: 0 };
    for (const cell of cells) {
      const status = this.statusOf(cell);
      if (status) counts[status]++;
    }
    return { ...counts, recorded: RUN_STATUSES.reduce((sum, status) => sum + counts[status], 0) };
  }

  /** Positions whose cells have no record, ascending. */
  *missingOf({ ranges, cells }: PlannedCells): Generator<number> {
    let at = 0;
    for (const { from, to } of ranges)
      for (let position = from; position < to; position++)
        if (this.statusOf(cells[at++]!) === undefined) yield position;
  }

  async #read(): Promise<void> {
    for (const { name, path } of await listSegments(this.#folder, 'records', this.#submission)) {
      const next = await scanLines(
        path,
        (bytes, start, end, offset) => {
          const head = this.#heads.read(bytes, start, end, name, offset);
          if (head) this.#note(head.index, finalRank(head.generation, head.status));
        },
        { from: this.#offsets.get(name) ?? 0 },
      );
      this.#offsets.set(name, next);
    }
  }

  #note(cell: number, rank: number): void {
    if (cell >= this.#ranks.length) {
      const larger = new Uint32Array(Math.max(cell + 1, 2 * this.#ranks.length));
      larger.set(this.#ranks);
      this.#ranks = larger;
    }
    this.#ranks[cell] = Math.max(this.#ranks[cell]!, rank);
  }
}
