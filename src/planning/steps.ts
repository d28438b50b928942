import { type Cell, type CellDeclaration, Cells } from '../identity/cells.js';
import { type SegmentPart, scanPartHeads } from '../storage/file/formats/records.js';
import { FinalStatuses } from './final-statuses.js';
import { RunTable } from './run-table.js';

/** What the planning threads share: plain data and shared memory. */
export interface SharedPlan {
  readonly declaration: CellDeclaration | undefined;
  readonly cells: number;
  /** The first cell of `statuses`. */
  readonly first: number;
  readonly parts: readonly SegmentPart[];
  /** `RunTable`; empty if records are found by their index. */
  readonly table: SharedArrayBuffer;
  /** `FinalStatuses`. */
  readonly statuses: SharedArrayBuffer;
  /** `STALE` bits by cell; empty until they are needed. */
  readonly stale: SharedArrayBuffer;
  /** One number: whether the store has records of other run_ids. */
  readonly foreign: SharedArrayBuffer;
}

export const STALE = { code: 1, context: 2 } as const;

/**
 * A step of planning, divided into units that any thread can do: `enter-…` hashes a range of cells into the table,
 * `scan-…` reads a part of a segment.
 */
export type Step = 'enter-runs' | 'scan-runs' | 'enter-stale' | 'scan-stale' | 'scan-own';

/** Cells per unit: about 20 ms of hashing. */
const UNIT_CELLS = 8192;

export const unitsOf = (step: Step, { cells, parts }: SharedPlan): number =>
  step.startsWith('enter') ? Math.ceil(cells / UNIT_CELLS) : parts.length;

/** Does units of steps. Every thread has its own instance, with the same shared memory. */
export class StepWorker {
  readonly #shared: SharedPlan;
  readonly #cells: Cells | undefined;
  readonly #table: RunTable;
  readonly #statuses: FinalStatuses;
  readonly #stale: Uint8Array;
  readonly #foreign: Uint8Array;

  constructor(shared: SharedPlan) {
    this.#shared = shared;
    this.#cells = shared.declaration && new Cells(shared.declaration);
    this.#table = new RunTable(shared.table, shared.table.byteLength === 0 ? 0 : shared.cells);
    this.#statuses = new FinalStatuses(shared.statuses);
    this.#stale = new Uint8Array(shared.stale);
    this.#foreign = new Uint8Array(shared.foreign);
  }

  async do(step: Step, unit: number): Promise<void> {
    switch (step) {
      case 'enter-runs':
        return this.#visit(unit, ({ runId, index }) => this.#table.set(runId, index));
      case 'enter-stale':
        return this.#visit(unit, (cell) =>
          this.#table.set(staleKey(cell.case.paramsFingerprint, cell.seedFingerprint), cell.index),
        );
      case 'scan-runs':
        return this.#scanRuns(this.#shared.parts[unit]!);
      case 'scan-stale':
        return this.#scanStale(this.#shared.parts[unit]!);
      case 'scan-own':
        return this.#scanOwn(this.#shared.parts[unit]!);
    }
  }

  #visit(unit: number, visit: (cell: Cell) => void): void {
    const from = unit * UNIT_CELLS;
    const to = Math.min(this.#shared.cells, from + UNIT_CELLS);
    for (let index = from; index < to; index++) visit(this.#cells!.at(index));
  }

  #scanRuns(part: SegmentPart): Promise<void> {
    return scanPartHeads(part, (head) => {
      const cell = this.#table.find(head.run_id);
      if (cell < 0) this.#foreign[0] = 1;
      else this.#statuses.note(cell, head.generation, head.status);
    });
  }

  /** New runs whose params and seed have a record with other code or another context. */
  #scanStale(part: SegmentPart): Promise<void> {
    const { code_fingerprint: code } = this.#shared.declaration!.operation;
    return scanPartHeads(part, (head) => {
      const cell = this.#table.find(staleKey(head.params_fingerprint, head.seed_fingerprint));
      if (cell < 0 || !this.#statuses.isNone(cell)) return;
      Atomics.or(this.#stale, cell, head.code_fingerprint === code ? STALE.context : STALE.code);
    });
  }

  /**
   * A submission's own records name their cell, so nothing is hashed. Only the head of each record is read: the next
   * plan reads the rest.
   */
  #scanOwn(part: SegmentPart): Promise<void> {
    const { first } = this.#shared;
    const { cells } = this.#statuses;
    return scanPartHeads(
      part,
      ({ index, generation, status }) => {
        if (index >= first && index - first < cells) this.#statuses.note(index - first, generation, status);
      },
      OWN,
    );
  }
}

const OWN = { whole: false };

const staleKey = (params: string, seed: string) => params.slice(0, 16) + seed.slice(0, 16);
