import { RUN_STATUSES, type RunStatus } from '../../../definition/record.js';
import { scanLines } from '../../../storage/file/lines.js';
import { RecordHeads } from '../../../storage/file/record-head.js';
import { listSegments } from '../../../storage/file/segments.js';

/** Of several records of a cell, the one that stands: as in the rule of the final record, success, failed, cancelled. */
const RANK: { readonly [status in RunStatus]: number } = { success: 3, failed: 2, cancelled: 1 };
const BY_RANK: readonly (RunStatus | undefined)[] = [undefined, 'cancelled', 'failed', 'success'];

/** What a submission has recorded, a byte a cell; of its segments only what is new is read. */
export class RecordedCells {
  readonly #folder: string;
  readonly #submission: string;
  readonly #offsets = new Map<string, number>();
  readonly #heads = new RecordHeads({ whole: true });
  #ranks = new Uint8Array(1024);
  #scanning: Promise<void> = Promise.resolve();

  constructor(folder: string, submission: string) {
    this.#folder = folder;
    this.#submission = submission;
  }

  /** Reads what the store has got since the last time. */
  scan(): Promise<void> {
    const scan = this.#scanning.then(() => this.#read());
    this.#scanning = scan.catch(() => {});
    return scan;
  }

  statusOf(cell: number): RunStatus | undefined {
    return BY_RANK[this.#ranks[cell] ?? 0];
  }

  /** How many of some cells have which status. */
  count(cells: Uint32Array): { readonly [status in RunStatus]: number } & { readonly recorded: number } {
    const counts = { success: 0, failed: 0, cancelled: 0 };
    for (const cell of cells) {
      const status = this.statusOf(cell);
      if (status) counts[status]++;
    }
    return { ...counts, recorded: RUN_STATUSES.reduce((sum, status) => sum + counts[status], 0) };
  }

  async #read(): Promise<void> {
    for (const { name, path } of await listSegments(this.#folder, 'records', this.#submission)) {
      const next = await scanLines(
        path,
        (bytes, start, end, offset) => {
          const head = this.#heads.read(bytes, start, end, name, offset);
          if (head) this.#note(head.index, head.status);
        },
        { from: this.#offsets.get(name) ?? 0 },
      );
      this.#offsets.set(name, next);
    }
  }

  #note(cell: number, status: RunStatus): void {
    if (cell >= this.#ranks.length) {
      const larger = new Uint8Array(Math.max(cell + 1, 2 * this.#ranks.length));
      larger.set(this.#ranks);
      this.#ranks = larger;
    }
    this.#ranks[cell] = Math.max(this.#ranks[cell]!, RANK[status]);
  }
}
